"""The documentation as tests read it: pages, their sections, tables, blocks of code and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_FENCE = re.compile(r"\s*(```+|~~~+)\s*([A-Za-z0-9_-]*)")
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]\[]*(?:\[[^\]]*\][^\]\[]*)*\]\(([^)\s]+)\)")
_NOT_RUN = re.compile(r"<!--\s*not run:\s*(\S.*?)\s*-->")


class Block(NamedTuple):
    """A block of code. ``not_run`` says why nobody can run it in a test; "" when it is run."""

    page: str
    line: int
    language: str
    text: str
    not_run: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.page}:{self.line}"


class Section(NamedTuple):
    """A heading and what stands between it and the next one."""

    title: str
    #: what the heading has in backquotes
    names: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """What stands under the heading, blocks of code included."""
        return "\n".join(self.lines)


def pages() -> list[str]:
    """Every page, by its path from the root of the repository."""
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [str(path.relative_to(ROOT)) for path in found if path.exists()]


@cache
def lines(page: str) -> tuple[str, ...]:
    """The lines of a page."""
    return tuple((ROOT / page).read_text(encoding="utf-8").splitlines())


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """The blocks of code of a page, in order."""
    return tuple(_blocks(page))


def _blocks(page: str) -> Iterator[Block]:
    fence = language = why = ""
    start, held = 0, list[str]()
    for number, line in enumerate(lines(page), start=1):
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2]:
                yield Block(page, start, language, "\n".join(held), why)
                fence = why = ""
            else:
                held.append(line)
        elif found:
            fence, language, start, held = found[1], found[2], number, []
        elif line.strip():
            mark = _NOT_RUN.fullmatch(line.strip())
            why = mark[1] if mark else ""


@cache
def prose(page: str) -> tuple[tuple[int, str], ...]:
    """The lines outside blocks of code, with their numbers."""
    inside = {number for block in blocks(page) for number in range(block.line, block.line + block.text.count("\n") + 3)}
    return tuple((number, line) for number, line in enumerate(lines(page), start=1) if number not in inside)


@cache
def sections(page: str) -> tuple[Section, ...]:
    """The sections of a page, in order; what stands before the first heading belongs to none."""
    outside = {number for number, _ in prose(page)}
    found: list[tuple[str, list[str]]] = []
    for number, line in enumerate(lines(page), start=1):
        heading = _HEADING.fullmatch(line) if number in outside else None
        if heading:
            found.append((heading[2], []))
        elif found:
            found[-1][1].append(line)
    return tuple(Section(title, tuple(codes(title)), tuple(held)) for title, held in found)


def codes(text: str) -> list[str]:
    """What stands in backquotes."""
    return _CODE.findall(text)


def rows(section: Section) -> list[list[str]]:
    """The cells of the tables in a section, heads left out."""
    found: list[list[str]] = []
    table = False
    for line in section.lines:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] if line.startswith("|") else []
        if not cells:
            table = False
        elif all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            table = True
        elif table:
            found.append(cells)
    return found


def anchors(page: str) -> set[str]:
    """What links may name on a page, as GitHub makes it of headings."""
    found: set[str] = set()
    for section in sections(page):
        plain = re.sub(r"[^\w\- ]", "", section.title.replace("`", "").lower()).replace(" ", "-")
        anchor, number = plain, 0
        while anchor in found:
            number += 1
            anchor = f"{plain}-{number}"
        found.add(anchor)
    return found


def links(page: str) -> Iterator[tuple[int, str]]:
    """The targets of the links of a page, with their lines."""
    for number, line in prose(page):
        for target in _LINK.findall(re.sub(r"`[^`]*`", "`x`", line)):
            yield number, target
