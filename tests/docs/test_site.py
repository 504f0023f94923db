"""The site: every page is in its navigation, nothing in it leads out of it, and the builder finds nothing to warn of."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def pages_of(entry):
    """All pages of a navigation."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in pages_of(part)]


def test_every_page_is_in_the_navigation_once():
    listed = pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    notebooks = [f"notebooks/{path.stem}.md" for path in (DOCS / "notebooks").glob("*.py")]
    assert sorted(listed) == sorted([*pages, *notebooks])


def test_the_builder_takes_nothing_from_other_servers():
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["theme"]["font"] is False


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    pytest.importorskip("jupytext", reason="the extra [docs] is not installed")
    folder = tmp_path_factory.mktemp("site") / "pages"
    spec = importlib.util.spec_from_file_location("gather", DOCS / "gather.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.gather(folder)
    return folder


def test_links_stay_inside_the_site(gathered):
    for page in gathered.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#: ]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).resolve().is_relative_to(gathered), f"{page.name}: {target}"
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


def test_the_help_of_every_verb_is_there(gathered):
    text = (gathered / "reference" / "cli.md").read_text(encoding="utf-8")
    for words in ("## stsun evaluate", "--report", "## stsun predict", "Example: stsun train"):
        assert words in text


def test_notebooks_become_pages(gathered):
    text = (gathered / "notebooks" / "first_map.md").read_text(encoding="utf-8")
    assert text.startswith("# The first map") and "```python\nimport tempfile" in text and "# %%" not in text


@pytest.mark.slow
def test_the_site_builds_without_a_warning(gathered):
    pytest.importorskip("zensical", reason="the extra [docs] is not installed")
    plan = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    plan = plan.replace("build/pages", "pages").replace("build/site", "site").replace("[src]", f"[{ROOT / 'src'}]")
    (gathered.parent / "mkdocs.yml").write_text(plan, encoding="utf-8")
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run([program, "build", "--strict"], cwd=gathered.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (gathered.parent / "site" / "reference" / "python" / "index.html").is_file()
