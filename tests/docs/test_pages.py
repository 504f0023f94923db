"""Every command and every piece of Python in the documentation runs, or says why not."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stsun import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
SHELLS = ("", "bash", "sh", "console")
DATA = ("yaml", "json", "text", "toml", "csv", "html", "xml", "js", "css", "diff")
SERVERS = {"view"}
MARKER = re.compile(r"<!-- (not run|file): (.+) -->")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block, with what the comment right before it says."""

    line: int
    language: str
    text: str
    reason: str | None
    file: str | None


def blocks_of(page):
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        before = text[: found.start()].rstrip("\n").rpartition("\n")[2]
        marker = MARKER.fullmatch(before)
        told = {marker[1]: marker[2]} if marker else {}
        line = text[: found.start()].count("\n") + 1
        yield Block(line, found[1], found[2], told.get("not run"), told.get("file"))


def commands_of(block):
    """The commands of a block, as lists of words: comments and the ends of folded lines taken away."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def runs(block):
    return block.reason is None and (block.language in (*SHELLS, "python"))


def run_command(words, monkeypatch):
    assert words[0] == "stsun", f"{words[0]!r} is none of our programs: say why it is not run"
    assert words[1] not in SERVERS, f"stsun {words[1]} does not end by itself: say why it is not run"
    monkeypatch.setattr(sys, "argv", words)
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise AssertionError(f"{shlex.join(words)} ended with {end.code}") from end


@pytest.mark.parametrize("page", [page for page in PAGES if any(map(runs, blocks_of(page)))], ids=name_of)
def test_commands_and_python_run(page, place, toy, monkeypatch):
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.file is not None:
            (place / block.file).write_text(block.text, encoding="utf-8")
        elif runs(block) and block.language == "python":
            exec(compile("\n" * block.line + block.text, name_of(page), "exec"), names)
        elif runs(block):
            for words in commands_of(block):
                run_command(words, monkeypatch)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_says_why_not(page):
    for block in blocks_of(page):
        where = f"{name_of(page)}:{block.line}"
        assert block.language in (*SHELLS, *DATA, "python"), f"{where}: what is {block.language!r}?"
        assert block.reason is None or len(block.reason) >= 5, f"{where}: the reason says nothing"
        if block.language in SHELLS and block.reason is None:
            assert all(words[0] == "stsun" for words in commands_of(block)), f"{where}: say why it is not run"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#: ]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_anchors_are_headings(page):
    for target, anchor in re.findall(r"\]\(([^)#: ]*\.md|)#([^)]+)\)", page.read_text(encoding="utf-8")):
        text = (page.parent / target if target else page).read_text(encoding="utf-8")
        slugs = {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        assert anchor in slugs or f"::: {anchor}" in text, f"{target}#{anchor}"


def slug(heading):
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())
