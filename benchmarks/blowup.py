"""``python -m benchmarks.blowup``: no text that a stranger can send takes time by the square of its length.

Every reader, the reading of values, web pages and prose, and every regular expression of ``normalizers`` and
``collectors`` is given texts that break such things, at one size and at four times that size. Linear work takes four
times as long, quadratic sixteen; more than ten is a failure, but for times too short to be measured. It counts the
processor's time, so other programs disturb little. About three minutes; exit status 1 when something grows.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import collectors
import normalizers
import normalizers.formats
from collectors.document import Body, Document
from config.feeds import Feed
from config.instant import parse_millis
from config.loading import load_feed, shipped
from config.observables import TYPES
from config.samples import render
from normalizers.bad_value import BadValue
from normalizers.pages import page_lines
from normalizers.patterns import observable
from normalizers.prose import mentions
from normalizers.reading import check, read
from normalizers.records import UnreadableDocument
from normalizers.values import canonical

_NOW = parse_millis("2026-03-01T00:00:00Z")
_STEP = 4
#: Linear work takes four times as long for four times the text, quadratic sixteen.
_MOST = 10.0
#: Seconds that are too short to compare.
_FLOOR = 0.04
_METHODS = ("search", "match", "fullmatch", "sub", "findall", "finditer", "split")

#: What is repeated. Each breaks something that reads without a bound, or goes back.
UNITS = (
    "a", "0", " ", "\t", ".", "a.", "-", "[", "]", "[.", "[.]", "(", "((", ")", "{", "@", "a@", "%", "%2", "%41", "é",
    "é.", "xn--", "xn--a.", ":", "1:", "::", "/", "//", "http://", "hxxp://", "<", "<a ", "<!--", "<!---->", "<a b='",
    "&", "&amp;", "&a;", '"', '""', "'", "\\", ",", ";", "|", "=", "#", "*", "**", "●", "\u200b", "\u3000", "。", "あ",
    "CVE-", "CVE-2020-", "AS", "1.", "1.1.1.1", "203.0.113.7 ", "ab" * 16 + " ", "2026-", "\n", "\r", "a\n", "# \n",
    "C2:\n", "null,", "{}", "[]", "/*", "//a", "JVN#", "参考", "\x00",
)  # fmt: skip


class Grown(NamedTuple):
    """Something whose time grows faster than its text."""

    what: str
    unit: str
    seconds: float
    ratio: float


def _time(work: Callable[[str], object], text: str) -> float:
    begun = time.process_time()
    work(text)
    return time.process_time() - begun


def _compared(
    what: str, work: Callable[[str], object], make: Callable[[int], str], unit: str, size: int
) -> Grown | None:
    large = _time(work, make(size * _STEP))
    if large < _FLOOR:
        return None
    large = min(large, *(_time(work, make(size * _STEP)) for _ in range(2))) if large < 1 else large
    small = max(max(_time(work, make(size)) for _ in range(2)), _FLOOR / 40)
    return Grown(what, unit, large, large / small) if large / small > _MOST else None


def _repeated(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


# ---------------------------------------------------------------- regular expressions


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def expressions() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes], list[str]]]:
    """Every regular expression of a module, its name, and the methods by which that module uses it."""
    for module in (*_modules(normalizers), *_modules(collectors)):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        for name, held in vars(module).items():
            if not isinstance(held, re.Pattern) or not re.search(rf"^{name}\b[^=\n]*=", source, re.MULTILINE):
                continue
            used = [method for method in _METHODS if f"{name}.{method}(" in source]
            yield f"{module.__name__}.{name}", held, used or list(_METHODS)


def _run(pattern: re.Pattern[str] | re.Pattern[bytes], method: str) -> Callable[[str], object]:
    # the type of a pattern's text is that of the pattern
    call = getattr(pattern, method)
    encoded = isinstance(pattern.pattern, bytes)

    def work(text: str) -> object:
        given = text.encode() if encoded else text
        if method == "sub":
            return call(b"" if encoded else "", given)
        found = call(given)
        return sum(1 for _ in found) if method == "finditer" else found

    return work


#: Given no more than so much of a stranger's text, which their callers see to.
BOUNDED = {
    "normalizers.bad_value": 320,
    "normalizers.texts._HTML": 4_096,
    "normalizers.urls": 8_192,
    "normalizers.hosts": 2_000,
    "normalizers.refang": 20_000,
    "normalizers.values": 20_000,
    "normalizers.patterns": 20_000,
    "normalizers.personal": 8_192,
    "normalizers.candidates": 20_000,
    "normalizers.headings": 20_000,
    "normalizers.prose": 20_000,
}


def _largest(name: str) -> int:
    return BOUNDED.get(name, BOUNDED.get(name.rpartition(".")[0], 64_000))


def _of_expressions() -> Iterator[Grown | None]:
    for name, pattern, methods in expressions():
        size = _largest(name) // _STEP
        heads = {"", *re.findall(r"[A-Za-z]{2,}|[^\w\s\\]", str(pattern.pattern))[:2]}
        for method in methods:
            work = _run(pattern, method)
            for unit in UNITS:
                for head in sorted(heads):
                    make = lambda n, unit=unit, head=head: head + _repeated(unit, n) + "!"  # noqa: E731
                    yield _compared(f"{name}.{method}", work, make, head + unit, size)


# ---------------------------------------------------------------- values, prose, pages


def _value(kind: str) -> Callable[[str], object]:
    def work(text: str) -> object:
        try:
            return observable(text) if kind == "pattern" else canonical(kind, text)
        except BadValue as error:
            return error

    return work


def _of_values() -> Iterator[Grown | None]:
    frames = (
        "{}",
        "http://a.example/{}",
        "http://{}.example/",
        "hxxp://a[.]b/{}",
        "a@{}",
        "[url:value = '{}']",
        "[{}]",
    )
    for kind in (*TYPES, "any", "ip", "hash", "pattern"):
        for unit in UNITS:
            for frame in frames:
                make = lambda n, unit=unit, frame=frame: frame.replace("{}", _repeated(unit, n))  # noqa: E731
                yield _compared(f"canonical {kind}", _value(kind), make, frame.replace("{}", unit), 4_900)


def _of_texts() -> Iterator[Grown | None]:
    works: dict[str, Callable[[str], object]] = {
        "prose": lambda text: sum(1 for _ in mentions(text.split("\n"))),
        "page": lambda text: len(page_lines(text)),
    }
    for name, work in works.items():
        for unit in UNITS:
            for frame in ("{}", "C2:\n- {}", "<p>{}"):
                make = lambda n, unit=unit, frame=frame: frame.replace("{}", _repeated(unit, n))  # noqa: E731
                yield _compared(name, work, make, frame.replace("{}", unit), 40_000)


# ---------------------------------------------------------------- readers


@cache
def samples() -> dict[str, tuple[Feed, str]]:
    """Of each format one shipped feed, and the demonstration's document of it."""
    found: dict[str, tuple[Feed, str]] = {}
    for path in sorted(shipped("feeds").glob("*.yaml")):
        feed = load_feed(path)
        documents = sorted(shipped("samples").glob(f"{feed.id}[.-]*"))
        if documents and feed.format["kind"] not in found:
            found[feed.format["kind"]] = feed, render(documents[0].read_bytes().decode("utf-8", "replace"), _NOW)
    return found


def _reader(feed: Feed) -> Callable[[str], object]:
    def work(text: str) -> object:
        document = Document(content=Body.of(text.encode("utf-8", "replace")), name="202603.csv", fetched=_NOW)
        try:
            return check(document, feed).total() + sum(1 for _ in read(document, feed))
        except UnreadableDocument as error:
            return error

    return work


def _of_readers() -> Iterator[Grown | None]:
    for kind, (feed, sample) in samples().items():
        middle = len(sample) // 2
        for unit in UNITS:
            for at in (middle, len(sample)):
                make = lambda n, unit=unit, at=at, sample=sample: sample[:at] + _repeated(unit, n) + sample[at:]  # noqa: E731
                yield _compared(f"reader {kind}", _reader(feed), make, f"{unit} at {at}", 12_000)
        lines = sample.splitlines(keepends=True)
        more = lambda n, lines=lines: "".join(lines * (n // max(1, sum(map(len, lines))) + 1))  # noqa: E731
        yield _compared(f"reader {kind}", _reader(feed), more, "the sample again and again", 40_000)


def main(words: list[str]) -> int:
    """Measure all, or what is named (expressions, values, texts, readers); print what grows."""
    parts = {"expressions": _of_expressions, "values": _of_values, "texts": _of_texts, "readers": _of_readers}
    grown: list[Grown] = []
    for name in words or parts:
        begun, done = time.monotonic(), 0
        for one in parts[name]():
            done += 1
            if one is not None:
                grown.append(one)
                print(f"  {one.what} on {one.unit!r}: {one.seconds:.2f} s, {one.ratio:.0f} times", flush=True)
        print(f"{name}: {done} compared in {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{len(grown)} grow faster than their text")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
