"""What is installed: pinned, hashed, under licences that go with ours, and no version that an advisory warns of."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
ON_CI = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
}
HASHED = re.compile(r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", re.MULTILINE)
ADVISORIES = tomllib.loads((ROOT / ".ci" / "advisories.toml").read_text(encoding="utf-8"))["advisory"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def constraints(environment=None):
    """Names with their pinned versions; several where they differ by platform, unless one is told."""
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line]
    pins = [Requirement(line) for line in lines]
    chosen = [pin for pin in pins if environment is None or pin.marker is None or pin.marker.evaluate(environment)]
    return [(canonicalize_name(pin.name), next(iter(pin.specifier)).version) for pin in chosen]


def locked():
    """Names with their versions, and the number of hashes of each, as the continuous integration installs them."""
    text = (ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8")
    return {
        canonicalize_name(name): (version, hashes.count("sha256:")) for name, version, hashes in HASHED.findall(text)
    }


def lower_bounds():
    """Names with the lowest version that pyproject.toml allows."""
    listed = [
        *PROJECT["dependencies"],
        *(text for extra in PROJECT["optional-dependencies"].values() for text in extra),
    ]
    needs = [Requirement(text) for text in listed if not text.startswith("stsun")]
    return {need.name: [one.version for one in need.specifier if one.operator == ">="] for need in needs}


def program(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def warned_of(name, version):
    known = Version(Version(version).public)  # a local build is as its release is
    for advisory in ADVISORIES:
        ranges = re.split(r",(?===)", advisory["affected"])  # single versions are alternatives
        if (
            advisory["package"] == name
            and "accepted" not in advisory
            and any(known in SpecifierSet(one) for one in ranges)
        ):
            return f"{name} {version}: {', '.join(advisory['ids'])}: {advisory['about']}"
    return None


def test_the_continuous_integration_installs_what_the_constraints_say_file_by_file():
    text = (ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8")
    files = locked()
    assert len(files) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 100
    assert all(count > 0 for _, count in files.values())
    pinned = dict(constraints(ON_CI))
    assert {name: version.partition("+")[0] for name, (version, _) in files.items()}.items() <= pinned.items()
    assert "://" not in text and "file:" not in text and "find-links" not in text


def test_every_dependency_is_among_them():
    extras = PROJECT["optional-dependencies"]
    needs = [
        Requirement(text)
        for text in (*PROJECT["dependencies"], *(text for listed in extras.values() for text in listed))
    ]
    files = locked()
    for need in needs:
        if need.name not in ("stsun", "torch"):  # torch is whatever build for processors is at hand
            assert Version(files[canonicalize_name(need.name)][0]) in need.specifier, f"make constraints: {need}"


def test_no_version_in_use_is_one_that_an_advisory_warns_of():
    used = [*constraints(), *((name, version) for name, (version, _) in locked().items())]
    assert [words for name, version in used if (words := warned_of(name, version))] == []


def test_no_lower_bound_lets_one_in():
    bounds = lower_bounds()
    assert all(bounds.values()), "every dependency has a lower bound"
    assert [words for name, (lowest,) in bounds.items() if (words := warned_of(name, lowest))] == []


@pytest.mark.parametrize(
    "name, version", [("torch", "2.9.1+cpu"), ("lightning", "2.6.3"), ("starlette", "0.49.0"), ("pip", "26.1")]
)
def test_a_version_that_is_known_to_be_vulnerable_is_found(name, version):
    assert warned_of(name, version) is not None


def test_what_is_accepted_holds():
    accepted = {advisory["ids"][0] for advisory in ADVISORIES if "accepted" in advisory}
    assert accepted == {"CVE-2025-3000"}
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert not any("jit.script" in text for text in sources)


def test_all_licences_are_known_and_go_with_ours():
    licences = program("licences")
    found = licences.installed()
    if len(found) < 100:
        pytest.skip("not all extras are installed here")
    assert licences.problems(found) == []
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    missing = [name for name in found if f"| {name} |" not in page]
    assert not missing, "make licences writes the page anew"


def test_a_licence_that_nobody_has_looked_at_is_told():
    licences = program("licences")
    assert licences.problems({"good": "MIT", "strange": "Proprietary", "silent": ""}) == [
        "strange: 'Proprietary'", "silent: ''"
    ]  # fmt: skip
