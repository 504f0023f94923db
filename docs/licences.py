"""The licences of everything that STSUN can be installed with, from what the installed packages say of themselves.

``make licences`` writes docs/licences.md. A licence that is not among those below is an error, here and in the tests:
look at it first. All of them let Apache-2.0 software use the package; those that ask for more than a notice are told
apart.
"""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
}  # fmt: skip
"""Asked for: the notice is kept, at most."""

BY_FILE = {"MPL-2.0"}
"""Asked for: changes to the package's own files are published. It is used as it is."""

WORDS = (
    (r"apache.*", "Apache-2.0"),
    (r"(the )?mit( license)?", "MIT"),
    (r"(new|modified|revised) bsd.*|bsd[- ]3[- ]clause.*|3-clause bsd.*", "BSD-3-Clause"),
    (r"simplified bsd.*|bsd[- ]2[- ]clause.*|2-clause bsd.*", "BSD-2-Clause"),
    (r"bsd( license)?", "BSD"),
    (r"isc.*", "ISC"),
    (r"mozilla public license 2\.0.*|mpl[- ]2\.0.*", "MPL-2.0"),
    (r"psf.*|python software foundation.*", "PSF-2.0"),
)
"""What older metadata call a licence -> its SPDX identifier; BSD = one of both, the metadata do not say which."""

LONGEST = 80
"""Characters; longer is no name of a licence but its text."""

PROJECT, PAGE = Path(__file__).parents[1] / "pyproject.toml", Path(__file__).with_name("licences.md")
HEAD = """# Licences

STSUN is under [Apache-2.0](../LICENSE). This page lists what its extras bring, as the packages themselves say; `make
licences` writes it anew, and a test fails at a licence that nobody has looked at. All are permissive but those of the
second table.

Wheels hold further libraries under their own licences, told in each wheel: GEOS (LGPL-2.1), GDAL and PROJ (MIT) in
rasterio, pyproj, shapely and pyogrio; OpenBLAS and the GCC runtime (GPL-3.0 with its exception) in NumPy and SciPy. The
builds of torch for NVIDIA cards bring NVIDIA's libraries, which are not free software; its build for processors does
not. [MapLibre](viewer.md) (BSD-3-Clause) comes with the viewer. Weights and data have licences of their own: see a
checkpoint's card.
"""


def installed() -> dict[str, str]:
    """Return the licence of each package that the extras bring here, in SPDX's words; empty where none is told."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(need.name), one) for need in _asked_for() for one in ("", *need.extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            package = distribution(name)
        except PackageNotFoundError:  # of another platform, or an extra that is not installed
            continue
        found[name] = licence_of(package)
        needs = map(Requirement, package.requires or ())
        wanted = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
        waiting += [(canonicalize_name(need.name), one) for need in wanted for one in ("", *need.extras)]
    return dict(sorted(found.items()))


def licence_of(package: Distribution) -> str:
    """Return a package's licence as an SPDX expression, or what it says where that is none."""
    about = package.metadata
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    classes = [line.split(" :: ")[-1] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    told = [words for words in (str(about.get("License") or "").strip(), *classes) if 0 < len(words) <= LONGEST]
    known = (spdx for words in told for pattern, spdx in WORDS if re.fullmatch(pattern, words.lower()))
    return next(known, ", ".join(told))


def problems(licences: dict[str, str]) -> list[str]:
    """Return the packages with a licence that nobody has looked at."""
    return [f"{name}: {words!r}" for name, words in licences.items() if _parts(words) - PERMISSIVE - BY_FILE]


def main() -> None:
    """Write the page."""
    found = installed()
    wrong = problems(found)
    if wrong:
        raise SystemExit("licences that nobody has looked at:\n" + "\n".join(wrong))
    page = HEAD
    for title, conditions in (("Permissive", False), ("Changes to its own files are published", True)):
        rows = [f"| {name} | {words} |" for name, words in found.items() if bool(_parts(words) & BY_FILE) == conditions]
        page += "\n".join(["", f"## {title}", "", "| package | licence |", "|---|---|", *rows, ""])
    PAGE.write_text(page, encoding="utf-8")


def _asked_for() -> list[Requirement]:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = [text for listed in project["optional-dependencies"].values() for text in listed]
    return [need for need in map(Requirement, [*project["dependencies"], *extras]) if need.name != "stsun"]


def _parts(words: str) -> set[str]:
    """Return the licences of an expression: all that it names are looked at, be they joined by AND or OR."""
    return {part.strip("() ") for part in re.split(r"\s+(?:AND|OR)\s+", words)}


if __name__ == "__main__":
    main()
