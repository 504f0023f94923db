"""The pages of the site, gathered for its builder: those of ``docs/``, notebooks as pages, and the help of every verb.

``make docs`` runs this and then the builder. What leads out of ``docs/``, such as source files, is named, not linked.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import typer

from stsun.cli import app

DOCS = Path(__file__).resolve().parent
VERBS = "<!-- help of every verb -->"
LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+)([^)]+)\)")


def help_of_verbs() -> str:
    """Return the help of each verb, as the program prints it."""
    group = typer.main.get_command(app)
    with typer.Context(group, info_name="stsun") as context:
        return "\n\n".join(_help(group, context))


def _help(group: Any, context: typer.Context) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        with typer.Context(command, parent=context, info_name=name) as own:
            yield f"## {own.command_path}\n\n```text\n{command.get_help(own)}\n```"
            if hasattr(command, "commands"):
                yield from _help(command, own)


def page(text: str, depth: int) -> str:
    """Return a page whose links stay inside the site.

    Args:
        text: The page as it lies in ``docs/``.
        depth: How many folders below ``docs/`` it lies.
    """

    def inside(found: re.Match[str]) -> str:
        label, ups, target = found.groups()
        return found[0] if ups.count("..") <= depth else f"{label} (`{target}`)"

    return LINK.sub(inside, re.sub(r"\((\S*notebooks/\w+)\.py\)", r"(\1.md)", text))


def gather(target: Path) -> None:
    """Write all pages, anew."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(DOCS.rglob("*")):
        place = target / path.relative_to(DOCS)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = page(path.read_text(encoding="utf-8"), len(path.relative_to(DOCS).parts) - 1)
            place.write_text(text.replace(VERBS, help_of_verbs()) if VERBS in text else text, encoding="utf-8")
        elif path.parent.name == "notebooks" and path.suffix == ".py":
            text = re.sub(r"\A---\n.*?\n---\n", "", jupytext.writes(jupytext.read(path), "md"), flags=re.DOTALL)
            place.with_suffix(".md").write_text(text, encoding="utf-8")
        elif path.suffix in (".svg", ".png") or path.parent.name == "examples":
            shutil.copyfile(path, place)


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
