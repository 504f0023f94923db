"""Reads the imports of the package and holds them against the layer table of docs/design.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "stsun"

VOCABULARY = ("bands", "sensors", "legend", "tasks", "configuration")
BASE = {"errors", "extras", "files", *VOCABULARY}
MAY_IMPORT = {
    "errors": set(),
    "extras": {"errors"},
    "files": {"errors"},
    **{unit: {"errors", *VOCABULARY[:position]} for position, unit in enumerate(VOCABULARY)},
    "raster": BASE,
    "model": BASE,
    "yamlfile": BASE,
    "data": BASE | {"raster", "yamlfile"},
    "simulation": BASE | {"raster", "yamlfile", "data"},
    "archives": BASE | {"raster"},
    "categories": BASE | {"data", "model"},
    "evaluation": BASE | {"raster", "data", "model"},
    "bench": BASE | {"model", "yamlfile"},
    "maps": BASE | {"raster"},
    "scene": BASE | {"raster", "archives"},
    "prediction": BASE | {"raster", "data", "model", "scene", "maps"},
    "report": BASE | {"raster", "data", "evaluation"},
    "export": BASE | {"data", "model", "yamlfile"},
    "training": BASE | {"data", "model", "evaluation", "simulation", "yamlfile", "report"},
    "view": BASE | {"raster", "data", "archives", "maps", "scene", "prediction"},
    "adapters": BASE | {"raster", "data", "yamlfile"},
    "quality": BASE | {"raster", "data", "model", "evaluation", "yamlfile"},
    "protocols": BASE | {"data", "evaluation", "yamlfile", "adapters"},
    "interop": BASE | {"raster", "data", "model", "scene", "evaluation", "training"},
    "terminal": {"errors"},
}
FACADES = ("__init__", "__main__", "demo", "cli")
NOT_IMPORTED = {"demo": {"cli"}, "cli": {"__main__"}}  # by anything but

STANDARD_LIBRARY_ONLY = {"errors", "files", *VOCABULARY}
NEVER_IN = {"raster": {"torch"}, "model": {"rasterio", "pydantic", "yaml", "lightning", "typer", "rich"}}
WITHOUT_FILE_LIBRARIES = (
    "stsun.data.sample", "stsun.data.transforms", "stsun.data.batching",
    "stsun.training.losses", "stsun.training.stream", "stsun.training.schedule", "stsun.training.module",
)  # fmt: skip
"""These must run where rasterio, pydantic and yaml are missing."""


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
EVERY_MODULE = pytest.mark.parametrize("module", MODULES)


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def unit_of(module: str) -> str:
    """``stsun.raster.reader`` -> ``raster``; the package itself -> ``__init__``."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(module: str, *, lazy: bool) -> Iterator[str]:
    """Absolute names that a module imports; ``lazy`` adds those inside functions."""
    for node in ast.walk(tree_of(module)) if lazy else at_import(tree_of(module).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, whatever block they stand in."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for field in ("body", "orelse", "finalbody", "handlers"):
                inner = getattr(node, field, [])
                yield from at_import([s for part in inner for s in (part.body if hasattr(part, "type") else [part])])


def own(names: Iterator[str]) -> set[str]:
    return {name for name in names if name == "stsun" or name.startswith("stsun.")}


def third_party(module: str, *, lazy: bool) -> set[str]:
    return {name.split(".")[0] for name in imports(module, lazy=lazy)} - sys.stdlib_module_names - {"stsun"}


def loaded_with(module: str) -> set[str]:
    """The module, and all of the package that Python loads for it."""
    loaded, waiting = set(), [module]
    while waiting:
        current = waiting.pop()
        if current in MODULES and current not in loaded:
            loaded.add(current)
            parents = {current.rsplit(".", i)[0] for i in range(1, current.count(".") + 1)}
            waiting += [*parents, *own(imports(current, lazy=False))]
    return loaded


@EVERY_MODULE
def test_a_module_imports_only_from_the_layers_below(module):
    unit = unit_of(module)
    used = {unit_of(name) for name in own(imports(module, lazy=True))} - {unit}
    if unit in FACADES:
        allowed = set(MAY_IMPORT) | {"__init__"} | {other for other, by in NOT_IMPORTED.items() if unit in by}
    else:
        allowed = MAY_IMPORT[unit] | {"__init__"}
    assert used <= allowed, f"{module} imports {sorted(used - allowed)}; see the table in docs/design.md"


@EVERY_MODULE
def test_only_the_version_is_imported_from_the_package_itself(module):
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and node.module == "stsun" and unit_of(module) != "cli":
            names = {alias.name for alias in node.names if f"stsun.{alias.name}" not in MODULES}
            assert names <= {"__version__"}, f"{module} imports {names} from stsun; import from their modules"


def test_the_layer_table_of_the_design_page_names_every_unit_on_its_level():
    rows = re.findall(
        r"^\| (\d) \| ([^|]*) \|", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    level = {unit: int(row) for row, text in rows for unit in re.findall(r"`(\w+)`", text)}
    units = {unit_of(module) for module in MODULES} - {"__init__", "__main__"}
    assert units <= set(level), f"not in docs/design.md: {sorted(units - set(level))}"
    for unit, allowed in MAY_IMPORT.items():
        for other in allowed:
            below = level[other] < level[unit]
            assert below or {unit, other} <= set(VOCABULARY) or (unit, other) == ("simulation", "data")


@EVERY_MODULE
def test_the_vocabulary_is_standard_library_only(module):
    if unit_of(module) in STANDARD_LIBRARY_ONLY:
        assert not third_party(module, lazy=True)


@EVERY_MODULE
def test_rasters_know_no_torch_and_the_model_knows_no_files(module):
    assert not third_party(module, lazy=True) & NEVER_IN.get(unit_of(module), set())


@pytest.mark.parametrize("module", [m for m in MODULES if m in WITHOUT_FILE_LIBRARIES or unit_of(m) == "model"])
def test_the_training_path_loads_no_raster_or_description_library(module):
    banned = {"rasterio", "pydantic", "yaml"} | (set() if module == "stsun.training.module" else {"lightning"})
    for loaded in loaded_with(module):
        found = third_party(loaded, lazy=False) & banned
        assert not found, f"{module} loads {loaded}, which imports {sorted(found)}"


def lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what a function does: neither its signature, which may list many options, nor its docstring."""
    does = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (does[-1].end_lineno or 0) - does[0].lineno + 1 if does else 0


@EVERY_MODULE
def test_files_and_functions_stay_short(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = lines_of_body(node)
            assert length <= 40, f"{module}.{node.name} has a body of {length} lines"


def test_no_module_is_a_box_for_leftovers():
    boxes = {"utils", "util", "helpers", "common", "core", "misc"}
    assert not [module for module in MODULES if boxes & set(module.split("."))]


@pytest.mark.parametrize("module", ["stsun", "stsun.cli"])
def test_the_command_line_answers_without_heavy_imports(module):
    program = f"import sys, {module}; print(*sorted(m for m in sys.modules if '.' not in m))"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "rasterio", "pydantic", "lightning", "numpy"} & set(output.split())


def test_importing_the_vocabulary_reads_no_file():
    program = "import stsun.sensors as s; assert s._catalogue.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", program], check=True)
