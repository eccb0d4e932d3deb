"""``python -m benchmarks.heavy``: no JSON or XML that a stranger can send takes a process's memory.

Documents that are made to take many times their size, and large ones of honest records, are checked and read, each in a
process of its own. Prints the most memory of each; exit status 1 when one takes 500 MB. ``--bytes`` is their size.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from collectors.document import Document, Spool
from config.feeds import Feed
from config.instant import parse_millis
from config.loading import load_feed, shipped
from normalizers.guessing import sketch
from normalizers.reading import check, read
from normalizers.records import UnreadableDocument

#: megabytes
MOST = 500
_NOW = parse_millis("2026-03-01T00:00:00Z")
_PIECE = 1024 * 1024


class Shape(NamedTuple):
    """A document: a head, the same unit again and again, and a tail."""

    kind: str
    head: str
    #: ``%d`` in it is a number that counts them
    unit: str
    tail: str

    def pieces(self, size: int) -> Iterator[bytes]:
        """The document, of about so many bytes."""
        yield self.head.encode()
        number = written = 0
        while written < size:
            if "%d" in self.unit:
                piece = "".join(self.unit.replace("%d", str(at)) for at in range(number, number + 1_000)).encode()
                number += 1_000
            else:
                piece = self.unit.encode() * max(1, _PIECE // len(self.unit.encode()))
            written += len(piece)
            yield piece
        yield self.tail.encode()


_STIX = (
    '{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%d","pattern_type":"stix",'
    '"pattern":"[domain-name:value = \'host-%d.example.com\']","created":"2026-02-01T00:00:00Z",'
    '"modified":"2026-02-01T00:00:00Z","valid_from":"2026-02-01T00:00:00Z","indicator_types":["malicious-activity"],'
    '"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]},'
)
_ROW = '{"url":"http://host-%d.example.com/login.php","first_seen":"2026-02-28T11:22:33Z","tag":["c2"]},'
_ITEM = (
    "<item><title>t</title><link>https://example.jp/%d</link><pubDate>Sun, 01 Feb 2026 00:00:00 GMT</pubDate></item>"
)
_RSS, _END = '<rss version="2.0"><channel><title>t</title>', "</channel></rss>"
_NVD = '{"cve":{"id":"CVE-2026-%d","lastModified":"2026-02-01T00:00:00","descriptions":[{"lang":"en","value":"d"}]}},'
_MISP = '{"response":[{"Event":{"uuid":"%s","timestamp":"1","Attribute":['
SHAPES = {
    "json: a list of records": Shape("json", "[", _ROW, "7]"),
    "json: small objects": Shape("json", "[", '{"a":[{},{},{},{},{},{},{},{},{},{}]},' * 10, "7]"),
    "json: one record of small objects": Shape("json", '[{"a":[', '{"":0},', "7]}]"),
    "json: one record of many members": Shape("json", "[{", '"k%d":0,', '"z":0}]'),
    "json: one record with a long text": Shape("json", '[{"a":"\U0001f600', "a" * 100, '"}]'),
    "json: one record with a wide text": Shape("json", '[{"a":"\\ud83d\\ude00', "a" * 100, '"}]'),
    "json: brackets without end": Shape("json", "[", "[" * 100, "]"),
    "json: one number without end": Shape("json", "[", "1" * 100, "]"),
    "json: small objects beside the records": Shape("json", '{"a":[', "{},", '7],"x":[]}'),
    "stix: a bundle": Shape("stix", '{"type":"bundle","objects":[', _STIX, '{"type":"identity"}]}'),
    "stix: marking-definitions": Shape(
        "stix", '{"objects":[', '{"type":"marking-definition","id":"m%d","definition_type":"statement"},', "7]}"
    ),
    "nvd: records": Shape("nvd", '{"vulnerabilities":[', _NVD, "{}]}"),
    "csaf: one of small objects": Shape("csaf", '{"document":{"notes":[', "{},", "7]}}"),
    "misp: one event of small objects": Shape("misp", _MISP, "{},", "7]}}]}"),
    "otx: one pulse of small objects": Shape("otx", '{"results":[{"id":"a","indicators":[', "{},", "7]}]}"),
    "rss: items": Shape("rss", _RSS, _ITEM, _END),
    "rss: elements beside the items": Shape("rss", _RSS, "<a/>", _END),
    "rss: one item of small elements": Shape("rss", f"{_RSS}<item>", "<a/>", f"</item>{_END}"),
    "rss: many names": Shape("rss", f"{_RSS}<item>", "<a%d/>", f"</item>{_END}"),
    "rss: one item with a long text": Shape("rss", f"{_RSS}<item><title>", "\U0001f600", f"</title></item>{_END}"),
    "rss: text after an item": Shape("rss", f"{_RSS}<item></item>", "あ<!---->", _END),
    "rss: one tag without end": Shape("rss", "<rss ", "a%d='' ", "/>"),
    "rss: a comment without end": Shape("rss", f"{_RSS}<!--", "a" * 100, "-->"),
    "rss: in Shift_JIS": Shape("rss", f'<?xml version="1.0" encoding="Shift_JIS"?>{_RSS}', _ITEM, _END),
}


def feed_of(kind: str) -> Feed:
    """A feed of that format."""
    if kind == "json":
        fields = {"value": "url", "type": "url", "first_seen": "first_seen", "labels": ["tag"]}
        return sketch({"kind": "json", "fields": fields})
    found = (load_feed(path) for path in sorted(shipped("feeds").glob("*.yaml")))
    return next((feed for feed in found if feed.format["kind"] == kind), None) or sketch({"kind": kind})


def peak(name: str, size: int) -> tuple[int, str]:
    """Megabytes that a process took which checked and read the document, and what came of that. Raises RuntimeError."""
    command = [sys.executable, "-m", "benchmarks.heavy", "--one", name, "--bytes", str(size)]
    root = Path(__file__).resolve().parents[1]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{name}: exit code {ended.returncode}: {ended.stderr[-500:]}")
    megabytes, _, said = ended.stdout.strip().partition(" ")
    return int(megabytes), said


def _read(name: str, size: int) -> str:
    shape = SHAPES[name]
    with Spool(size * 2, name) as spool:
        for piece in shape.pieces(size):
            spool.write(piece)
        body = spool.body()
    document, feed = Document(content=body, name="document", fetched=_NOW), feed_of(shape.kind)
    try:
        rows = check(document, feed).total()
        return f"{rows} rows, {sum(1 for _ in read(document, feed))} read"
    except UnreadableDocument as error:
        return str(error)[:150]


def _most() -> int:
    """Megabytes. Not of ``getrusage``, which counts what the process that started this one took."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1_024 // 1_000_000


def main(words: list[str] | None = None) -> int:
    """Measure all, or ``--one``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heavy", description=__doc__)
    parser.add_argument("--bytes", type=int, default=64 * 1024 * 1024, help="of each document; by default 64 MB")
    parser.add_argument("--one", choices=list(SHAPES), help="in this very process")
    given = parser.parse_args(words)
    if given.one:
        said = _read(given.one, given.bytes)
        print(_most(), said)
        return 0
    most = 0
    for name in SHAPES:
        megabytes, said = peak(name, given.bytes)
        most = max(most, megabytes)
        print(f"{name}: {megabytes} MB; {said}", flush=True)
    return 1 if most >= MOST else 0


if __name__ == "__main__":
    sys.exit(main())
