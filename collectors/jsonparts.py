"""A JSON document read part by part: the records of one list, each as its bytes, and all else that it says.

Only the extent of a record is found here, by its quotes and brackets; what it says is for
:func:`collectors.jsonvalues.decoded`. All else, with an empty list in place of the records, is decoded as a document of
its own, so that nothing of the whole is unseen.
What is held at a time is one record, or all else; neither may be large, whatever it is made of.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from collectors.jsonvalues import LONGEST, NotJson, TooMuch, decoded

#: A longer value is not held twice while it is cut out.
_LONG = 1024 * 1024
_CHUNK = 256 * 1024
#: Levels of nesting that are looked through; the parser takes a few less.
_DEEPEST = 2_000
_BOM = codecs.BOM_UTF8

# Atomic groups in place of possessive ones, which Python 3.11.4 and older do not match rightly.
_BLANK = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"'
_OTHER = rb'[^{}\[\]"]*+'
_FLAT = _OTHER + rb"(?>(?:" + _STRING + _OTHER + rb")*)"
_NESTED = _FLAT + rb"(?>(?:(?:\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\])" + _FLAT + rb")*)"
_blank = re.compile(_BLANK)
_string = re.compile(_STRING, re.DOTALL)
_scalar = re.compile(rb'[^,\]} \t\n\r"{\[:]++')
#: The next bracket outside of strings; or the beginning of a string that does not end here, or nothing at the end.
_bracket = re.compile(_FLAT + rb'([{}\[\]"]|\Z)', re.DOTALL)
#: An object in a list whose members nest at most once, as most records are; or nothing.
_record = re.compile(_BLANK + rb"(?>(?:(\{" + _NESTED + rb"\})" + _BLANK + rb",)?)", re.DOTALL)


class Parts:
    """One document, read once from its beginning."""

    def __init__(self, stream: BinaryIO, *places: str, members: bool = False, chunk: int = _CHUNK) -> None:
        """``places``: paths such as ``data.items`` at which the list of records may lie; ``""`` is the document itself.
        ``members``: an object there, whose members are records or lists of them, is a list of records too."""
        self._stream = stream
        self._places = {tuple(place.split(".")) if place else () for place in places}
        self._members = members
        self._chunk = chunk
        self._text = b""
        self._at = 0
        self._rest = bytearray()
        #: whether there was a list of records, or what counts as one; known once all was read
        self.found = False

    def records(self) -> Iterator[bytes]:
        """The text of each record. Raises :class:`NotJson` and :class:`TooMuch`, perhaps only at the end; the text of a
        record may yet be none of JSON."""
        self._begin()
        yield from self._value(())
        self._finish()

    def members(self) -> Iterator[tuple[str, bytes]]:
        """In place of the records: names and texts of an object's members, but for lists, which are passed over.
        ``found`` is whether it is an object; a list has no members. Raises as :meth:`records`."""
        self._begin()
        self.found = self._next() == b"{"
        if self.found:
            for _, name in self._names():
                if self._next() == b"[":
                    self._pass_over()
                else:
                    yield name, self._whole()
        elif self._next() == b"[":
            self._pass_over()
        else:
            self._fail("expected an object or a list")
        self._finish()

    def rest(self) -> Any:
        """The document without its records, once those are read. Raises as :func:`decoded`."""
        return decoded(bytes(self._rest))

    # ------------------------------------------------------------ values

    def _value(self, path: tuple[str, ...]) -> Iterator[bytes]:
        start = self._next()
        if start == b"[" and path in self._places:
            self.found = True
            self._rest += b"[]"
            yield from self._listed()
        elif start == b"{" and path in self._places and self._members:
            self.found = True
            self._rest += b"{}"
            yield from self._in_members()
        elif start == b"{" and any(place[: len(path)] == path for place in self._places):
            yield from self._object(path)
        else:
            self._keep(self._whole())

    def _object(self, path: tuple[str, ...]) -> Iterator[bytes]:
        """An object on the way to the records: it is kept, but for those."""
        met: set[str] = set()
        self._rest += b"{"
        for text, name in self._names():
            self._keep(text)
            self._rest += b":"
            below = (*path, name)
            if any(place[: len(below)] == below for place in self._places):
                if name in met:
                    self._fail(f"expected one {name[:60]!r} in an object, got two")
                met.add(name)
                yield from self._value(below)
            else:
                self._keep(self._whole())
            if self._next() == b",":
                self._rest += b","
        self._rest += b"}"

    def _names(self) -> Iterator[tuple[bytes, str]]:
        """The names of an object's members, as text and as they are read, each before its value is read."""
        self._at += 1
        if self._next() == b"}":
            self._at += 1
            return
        while True:
            if self._next() != b'"':
                self._fail("expected a name")
            text = self._whole()
            name = decoded(text)
            if self._next() != b":":
                self._fail("expected a colon")
            self._at += 1
            yield text, name
            if self._goes_on(b"}"):
                return

    def _listed(self) -> Iterator[bytes]:
        """The elements of a list."""
        self._at += 1
        if self._next() == b"]":
            self._at += 1
            return
        while True:
            # Before each there is nothing but blanks: what is found at once ends with its comma.
            for found in _record.finditer(self._text, self._at):
                if found[1] is None:
                    break
                self._at = found.end()
                yield found[1]
            yield self._whole()
            if self._goes_on(b"]"):
                return

    def _goes_on(self, end: bytes) -> bool:
        """Pass the comma after an element, or the end. True at the end."""
        found = self._next()
        if found not in (b",", end):
            self._fail(f"expected a comma or {end.decode()}")
        self._at += 1
        return found == end

    def _in_members(self) -> Iterator[bytes]:
        """The members of an object, and the elements of those that are lists. With other members it is no list."""
        for _, _ in self._names():
            start = self._next()
            if start == b"[":
                yield from self._listed()
            elif start == b"{":
                yield self._whole()
            else:
                self.found = False
                decoded(self._whole())

    def _pass_over(self) -> None:
        """Read a list, and keep nothing of it."""
        for _ in self._listed():
            pass

    def _whole(self) -> bytes:
        """The text of the value that comes next."""
        start = self._next()
        if start in (b"{", b"["):
            end = self._end_of_brackets()
        elif start == b'"':
            end = self._end(_string, closed=True)
        else:
            end = self._end(_scalar, closed=False)
        text = self._text[self._at : end]
        self._at = end
        if len(text) > _LONG:
            self._text, self._at = self._text[end:], 0  # so that it is not held twice
        return text

    def _end(self, expression: re.Pattern[bytes], *, closed: bool) -> int:
        """Where a string (which is ``closed``) or another scalar ends."""
        while True:
            found = expression.match(self._text, self._at)
            if found is not None and (closed or found.end() < len(self._text)):
                return found.end()
            if not self._more():
                return found.end() if found is not None else self._fail("expected a whole value")

    def _end_of_brackets(self) -> int:
        """Where an object or a list ends, by its brackets."""
        depth, at = 0, 0  # as seen from the beginning of the value
        while True:
            for found in _bracket.finditer(self._text, self._at + at):
                bracket = found[1]
                if bracket in (b"", b'"'):
                    at = found.start(1) - self._at
                    break
                depth += 1 if bracket in b"{[" else -1
                if depth == 0:
                    return found.end()
                if depth > _DEEPEST:
                    self._fail("nested too deeply")
            if not self._more():
                self._fail("it ends too early")

    # ------------------------------------------------------------ text

    def _begin(self) -> None:
        while len(self._text) < len(_BOM) and self._more():
            pass
        if self._text.startswith(_BOM):
            self._at = len(_BOM)

    def _finish(self) -> None:
        if self._next():
            self._fail("expected nothing after the value")

    def _keep(self, text: bytes) -> None:
        if len(self._rest) + len(text) > LONGEST:
            raise TooMuch(f"expected at most {LONGEST} bytes besides the records, got more")
        self._rest += text

    def _next(self) -> bytes:
        """The first letter that is not blank, which is not passed; b"" at the end."""
        while True:
            self._at = _blank.match(self._text, self._at).end()  # type: ignore[union-attr]  # it may be empty
            if self._at < len(self._text):
                return self._text[self._at : self._at + 1]
            if not self._more():
                return b""

    def _more(self) -> bool:
        """Read on; False at the end. Each time at least as much as is there, or a long value would be looked through
        too often."""
        held = len(self._text) - self._at
        if held > LONGEST:
            raise TooMuch(f"expected values of at most {LONGEST} bytes, got a longer one")
        data = self._stream.read(max(self._chunk, held))
        self._text, self._at = self._text[self._at :] + data, 0
        return bool(data)

    def _fail(self, said: str) -> NoReturn:
        raise NotJson(f"{said}: byte {self._stream.tell() - len(self._text) + self._at}")
