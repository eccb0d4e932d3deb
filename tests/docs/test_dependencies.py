"""docs/dependencies.md gives a reason for each dependency, and each is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.docs import pages

PAGE = "docs/dependencies.md"
PRODUCT = ("config", "collectors", "normalizers", "taxii_server")
PROJECT = tomllib.loads((pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return _canonical(found[0])


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RUNTIME = {_name(item) for item in PROJECT["dependencies"]}
TEST = {_name(item) for item in PROJECT["optional-dependencies"]["test"]}


def _described(title: str) -> dict[str, list[str]]:
    section = next(item for item in pages.sections(PAGE) if item.title == title)
    return {_canonical(pages.codes(row[0])[0]): row for row in pages.rows(section)}


def _imported(*folders: str) -> set[str]:
    """The distributions that the modules in these folders import from."""
    modules = set()
    for folder in folders:
        for path in (pages.ROOT / folder).rglob("*.py"):
            if "/." not in str(path.relative_to(pages.ROOT)):
                modules |= _modules(path)
    known = packages_distributions()
    own = {*PRODUCT, "tests", "benchmarks"}
    foreign = {module for module in modules if module not in sys.stdlib_module_names and module not in own}
    return {_canonical(name) for module in foreign for name in known.get(module, [module])}


def _modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "find_spec":
            found.add(ast.literal_eval(node.args[0]))  # whose data is read
    return found


@pytest.mark.parametrize(("title", "names"), [("At run time", RUNTIME), ("For tests", TEST)])
def test_every_dependency_has_its_reason(title: str, names: set[str]) -> None:
    """The table has each dependency of pyproject.toml and no other, with a reason and what else was looked at."""
    table = _described(title)
    assert table.keys() == names
    assert [name for name, row in table.items() if len(row) < 3 or not all(row)] == []


def test_every_runtime_dependency_is_imported() -> None:
    """What is installed with the hub is used by it."""
    assert RUNTIME - _imported(*PRODUCT) == set()


def test_every_test_dependency_is_used() -> None:
    """What is installed for tests is imported by them, or called by the Makefile, or types that mypy reads."""
    makefile = (pages.ROOT / "Makefile").read_text(encoding="utf-8")
    called = {name for name in TEST if f"/{name}" in makefile or f"-m {name}" in makefile}
    typed = {name for name in TEST if name.startswith("types-") and name.removeprefix("types-") in RUNTIME}
    plugins = {"pytest-xdist"} if " -n auto " in makefile else set()
    assert TEST - _imported("tests") - called - typed - plugins == set()


def test_what_is_imported_is_declared() -> None:
    """Nothing is imported that is not declared, or said on the page to come with what is."""
    carried = _described("What comes with them")
    assert _imported(*PRODUCT) - RUNTIME - carried.keys() == set()
    assert carried.keys() - _imported(*PRODUCT) == set()
