"""Pages refer only to what is there: pages, headings, files, make targets, tests."""

from __future__ import annotations

import re

import pytest

from tests.docs import pages

LINKS = [(page, number, target) for page in pages.pages() for number, target in pages.links(page)]
PROMISES = 8


def _targets() -> set[str]:
    text = (pages.ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


@pytest.mark.parametrize("page", pages.pages())
def test_links_within_the_repository_resolve(page: str) -> None:
    """A link names a file that is there, and a heading that it has."""
    broken = []
    for number, target in pages.links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (pages.ROOT / page).parent / path if path else pages.ROOT / page
        if not aim.exists():
            broken.append(f"{page}:{number} {target}: no such file")
        elif anchor and anchor not in pages.anchors(str(aim.resolve().relative_to(pages.ROOT))):
            broken.append(f"{page}:{number} {target}: no such heading")
    assert broken == []


def test_there_are_links() -> None:
    """The search for links finds them."""
    assert {page for page, _, _ in LINKS} >= {"README.md", "docs/architecture.md"}


@pytest.mark.parametrize("page", pages.pages())
def test_links_to_other_places_are_whole(page: str) -> None:
    """An outside link is https, or the loopback address that an example runs on."""
    outside = [target for _, target in pages.links(page) if re.match(r"[a-z]+:", target)]
    assert [target for target in outside if not target.startswith(("https://", "http://127.0.0.1", "mailto:"))] == []


@pytest.mark.parametrize("page", pages.pages())
def test_make_targets_exist(page: str) -> None:
    """A page that says ``make TARGET`` names a target of the Makefile."""
    code = "\n".join(block.text for block in pages.blocks(page) if block.language == "sh")
    code += "\n".join(text for _, line in pages.prose(page) for text in pages.codes(line))
    named = set(re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", code, re.MULTILINE))
    assert named <= _targets()


@pytest.mark.parametrize("page", pages.pages())
def test_files_that_a_page_names_exist(page: str) -> None:
    """What stands in backquotes and looks like a path of the repository is one."""
    top = "config|collectors|normalizers|taxii_server|tests|docs|benchmarks"
    missing = [
        f"{page}:{number} {code}"
        for number, line in pages.prose(page)
        for code in pages.codes(line)
        if re.fullmatch(rf"(?:{top})/[A-Za-z0-9_./-]*", code) and not (pages.ROOT / code).exists()
    ]
    assert missing == []


def test_every_promise_names_its_tests() -> None:
    """The README has a row for each promise, and the tests that it names are there."""
    section = next(item for item in pages.sections("README.md") if "promises" in item.title)
    table = pages.rows(section)
    assert [row[0].split(".")[0] for row in table] == [str(number) for number in range(1, PROMISES + 1)]
    for row in table:
        named = re.findall(r"\]\(([^)]+)\)", row[2])
        assert named, row[0]
        assert [path for path in named if not (pages.ROOT / path).exists()] == []


def test_the_two_commands_come_first() -> None:
    """A newcomer reads `make run` and `make test` before any other command."""
    first = [block.text for block in pages.blocks("README.md")][:2]
    assert first == ["make run", "make test"]
