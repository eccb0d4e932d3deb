"""The formats of exports: what each is called, what it can say, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from taxii_server.exports import csvs, rpz, stixjson, suricata, texts, zeek
from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Rows


class Form(NamedTuple):
    """A format."""

    media: str
    #: writes (row, object) as pieces of the document
    write: Callable[[Rows, Wanted, About], Iterator[bytes]]
    #: whether it can hold any object, and not rows alone: then it is given those where everything is asked for
    any_object: Callable[[Iterable[bytes], About], Iterator[bytes]] | None = None


FORMS: dict[str, Form] = {
    "txt": Form("text/plain; charset=utf-8", texts.write),
    "csv": Form("text/csv; charset=utf-8", csvs.write),
    "json": Form("application/stix+json;version=2.1", stixjson.write_bundle, stixjson.bundle),
    "jsonl": Form("application/x-ndjson", stixjson.write_lines, stixjson.lines),
    "rules": Form("text/plain; charset=utf-8", suricata.write),
    "rpz": Form("text/dns", rpz.write),
    "intel": Form("text/plain; charset=utf-8", zeek.write),
}
