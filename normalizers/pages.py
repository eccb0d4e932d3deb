"""Web pages as lines of text: headings marked, table cells apart, nothing of scripts, navigation or attributes.

One pass, and never back: the time is that of the page's length, whatever it holds. (The standard library's HTMLParser
takes half a minute for 80 kB of unclosed comments.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from normalizers.markup import unescape

_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]{0,30})(?=[\s/>])")
_IN_TAG = re.compile("[\"'>]")
_SPACE = re.compile(r"\s+")
#: Elements whose content is read up to their end tag and thrown away, whatever is in it.
_RAW = frozenset(("script", "style", "textarea", "noscript", "iframe", "template", "xmp", "noembed"))
#: Elements that speak of the site and not of the subject, with all that is in them.
_AROUND = frozenset(("nav", "footer", "aside", "svg", "select", "button", "head"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "caption", "dt", "summary", "figcaption"))
_BREAKS = frozenset((
    "address", "article", "blockquote", "body", "br", "center", "dd", "details", "div", "dl", "fieldset", "figure",
    "form", "header", "hr", "html", "main", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
))  # fmt: skip


class Tag(NamedTuple):
    """The beginning or the end of an element."""

    name: str
    ends: bool


def page_lines(page: str) -> list[str]:
    """The text of an HTML page, line after line. A heading begins with ``# ``, an item of a list with ``- ``, and cells
    of a table stand between tabs."""
    writer = _Writer()
    for piece in _pieces(page):
        writer.take(piece)
    return writer.lines()


def page_title(page: str) -> str:
    """What a page is called by its ``title``, in one line; "" when it has none."""
    lower = page[:100_000].lower()
    start = lower.find("<title")
    opened, end = lower.find(">", start), lower.find("</title", start)
    return _SPACE.sub(" ", unescape(page[opened + 1 : end])).strip() if 0 <= start < opened < end else ""


def _pieces(page: str) -> Iterator[str | Tag]:
    """Texts and tags in order."""
    lower = page.lower() if len(page.lower()) == len(page) else page
    at = 0
    while (start := page.find("<", at)) >= 0:
        yield page[at:start]
        tag = _TAG.match(page, start)
        if tag is None:
            at = _after_other(page, start)
            if at == start + 1:
                yield "<"
        else:
            name = tag[1].lower()
            ends = page[start + 1] == "/"
            yield Tag(name, ends)
            at = _after_tag(page, tag.end())
            if name in _RAW and not ends:
                at = lower.find(f"</{name}", at)
        if at < 0:
            return
    yield page[at:]


def _after_other(page: str, start: int) -> int:
    """Where a comment or a declaration ends: -1 where it does not; one further where it is a sign of the text."""
    if page.startswith("<!--", start):
        end = page.find("-->", start + 4)
        return end + 3 if end >= 0 else -1
    if page[start + 1 : start + 2] in ("!", "?", "/"):
        end = page.find(">", start)
        return end + 1 if end >= 0 else -1
    return start + 1


def _after_tag(page: str, at: int) -> int:
    """Where a tag ends, or -1: a ``>`` in the quotes of an attribute does not end it."""
    while (found := _IN_TAG.search(page, at)) is not None:
        if found[0] == ">":
            return found.end()
        at = page.find(found[0], found.end()) + 1
        if at == 0:
            return -1
    return -1


class _Writer:
    """Puts texts together into lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._left_out: list[str] = []
        self._lists = 0
        self._preformatted = False

    def take(self, piece: str | Tag) -> None:
        """Add one piece."""
        if isinstance(piece, Tag):
            self._tag(piece)
        elif piece and not self._left_out:
            self._text(unescape(piece))

    def lines(self) -> list[str]:
        """What was put together."""
        self._end_line()
        return self._lines

    def _text(self, text: str) -> None:
        if self._preformatted:
            first, *others = text.split("\n")
            self._line.append(first)
            for other in others:
                self._end_line()
                self._line.append(other)
        else:
            self._line.append(_SPACE.sub(" ", text))

    def _tag(self, tag: Tag) -> None:
        if tag.name in _AROUND:
            self._leave_out(tag)
        if tag.name == "pre":
            self._preformatted = not tag.ends
        if tag.name in ("ul", "ol"):
            self._lists = max(0, min(20, self._lists + (-1 if tag.ends else 1)))
        if tag.name in _HEADINGS:
            self._end_line("" if tag.ends else "# ")
        elif tag.name == "li":
            self._end_line("" if tag.ends else f"{'  ' * (self._lists - 1)}- ")
        elif tag.name in ("td", "th"):
            if not tag.ends and any(part.strip() for part in self._line):
                self._line.append("\t")
        elif tag.name in _BREAKS:
            self._end_line()
            if tag.name in ("p", "table", "div", "section") and self._lines and self._lines[-1]:
                self._lines.append("")

    def _leave_out(self, tag: Tag) -> None:
        if not tag.ends:
            self._left_out.append(tag.name)
        elif self._left_out and self._left_out[-1] == tag.name:
            self._left_out.pop()

    def _end_line(self, begin: str = "") -> None:
        line = "".join(self._line).rstrip()
        if line.strip(" -#"):
            self._lines.append(line if line.startswith("  ") else line.strip(" "))
        self._line = [begin] if begin else []
