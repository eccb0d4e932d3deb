"""The house: imports point down only, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _floors() -> list[list[str]]:
    """The rows of the page's table, from the ground up: modules and packages by name."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = text.partition("| layer |")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([a-z_/]+)(?:\.py)?`", row.split("|")[2]) for row in table.splitlines()[2:]]
    return [[name.replace("/", ".") for name in row] for row in reversed(rows)]


#: what stands on one line may import what stands on it and below
FLOORS = _floors()
#: what may not be heard of there
NEVER = {
    "config": {"flask", "click", "requests", "sqlite3"},
    "collectors": {"flask", "click", "sqlite3"},
    "normalizers": {"flask", "click", "requests", "sqlite3", "time"},
    "taxii_server.stores": {"flask", "click", "celery", "requests"},
    "taxii_server.taxii": {"click", "requests", "sqlite3"},
}
#: What meaning may know of fetching: documents, errors, and JSON in parts, which know no network and no disk.
_VALUES_OF_COLLECTORS = ("collectors.document", "collectors.errors", "collectors.jsonparts", "collectors.jsonvalues")
PRODUCT = ("config", "collectors", "normalizers", "taxii_server")


def floor(module: str) -> int:
    """The one floor that the module stands on."""
    found = {
        number
        for number, names in enumerate(FLOORS)
        for name in names
        if module == name or module.startswith(f"{name}.")
    }
    assert len(found) == 1, f"{module}: expected one line of the page's table, got {len(found)}"
    return found.pop()


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the product."""
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def imported(path: Path) -> Iterator[str]:
    """What a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_new_package_goes_below_those_that_there_are() -> None:
    """At the top stand the product's four packages, its tests and its benchmarks."""
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == {*PRODUCT, "tests", "benchmarks"}


#: writes of a store that are always somebody's decision
DECISIONS = {"save_user", "save_token", "add_submission"}


def test_decisions_are_recorded_with_what_they_change() -> None:
    """Wherever the product calls for a decision, it hands over the record: as the second argument or by its name."""
    bare, called = [], set()
    for module, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DECISIONS:
                called.add(node.func.attr)
                if len(node.args) < 2 and "audit" not in {keyword.arg for keyword in node.keywords}:
                    bare.append(f"{module}:{node.lineno}")
    assert (bare, called) == ([], DECISIONS)


def test_the_page_names_what_is_there() -> None:
    """Every line of the table is of modules that exist, and every module but the packages' own stands on one."""
    known = {name for name, _ in modules()}
    assert {name for names in FLOORS for name in names} <= known
    assert {floor(name) for name in known - {"taxii_server"}} == set(range(len(FLOORS)))


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=[name for name, _ in modules()])
def test_imports_point_down(module: str, path: Path) -> None:
    """A module imports from its own floor or from below, and nothing that its floor must not know."""
    for name in imported(path):
        top = name.partition(".")[0]
        if top in PRODUCT:
            assert floor(name) <= floor(module), f"{module} imports {name}"
            if module.startswith("normalizers") and name.startswith("collectors"):
                assert name.startswith(_VALUES_OF_COLLECTORS), f"{module} imports {name}"
        for place, names in NEVER.items():
            if module == place or module.startswith(f"{place}."):
                assert top not in names or module == "config.instant", f"{module} imports {name}"
