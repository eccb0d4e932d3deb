"""What a new feed is made of: a URL or a file, and how it is fetched from there on."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from collectors import CollectError, Document, Means, collect
from collectors.paths import path_date
from config.entry import fetchable
from config.feeds import Feed
from config.instant import system_clock
from config.newfeed import About
from config.transports import FileTransport, GithubTransport, HttpTransport, MispTransport, TaxiiTransport
from normalizers.guessing import Draft, guess, sketch
from normalizers.guessing_about import about, is_manifest, manifest, provider
from normalizers.records import UnreadableDocument
from taxii_server.cli.context import FAILED, USAGE, Failure

_GITHUB = re.compile(
    r"https?://github\.com/(?P<repository>[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+?)(?:\.git)?"
    r"(?:/(?P<kind>tree|blob)/(?P<ref>[^/?#]+)(?:/(?P<path>[^?#]+?))?)?/?"
)
#: What files with data are called; the likelier first where a repository has as many of each.
_DATA = (
    "csv", "json", "txt", "stix", "stix2", "jsonl", "ndjson", "xml", "rdf", "tsv", "adoc", "ioc", "iocs", "sha256",
    "sha1", "md5", "list", "netset", "ipset",
)  # fmt: skip
_LANGUAGES = ("ja", "en")
#: Files of one kind that are tried.
_TRIES = 3
_LARGEST_SAMPLE = 16 * 1024 * 1024


class Found(NamedTuple):
    """How a source can be read, and how it is fetched."""

    #: as the feed is called after
    place: str
    draft: Draft
    about: About
    #: None: as its place says, by HTTP or as a file
    transport: dict[str, Any] | None = None


def find(source: str, collection: str | None = None) -> Found:
    """How a URL or a file can be read. Raises :class:`Failure` with what it is instead."""
    if not is_url(source):
        return _file(source)
    try:
        fetchable(source)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    if (repository := _GITHUB.fullmatch(source)) is not None:
        return github(source, repository)
    if _is_taxii(source):
        return taxii(source, collection)
    with fetched(sketch({"kind": "text"}, transport=HttpTransport(kind="http", url=source)), source) as documents:
        document = _only(documents, source)
        if is_manifest(tree := _tree(document)):
            return _misp(source, manifest(tree))
        draft, said = _guessed(document)
    if draft.format["kind"] == "otx":
        return Found(source, draft, said, {"kind": "linked", "url": source, "since": "modified_since"})
    return Found(source, draft, said)


def is_url(source: str) -> bool:
    """Whether it is one, and no path."""
    return source.startswith(("http://", "https://"))


@contextmanager
def fetched(feed: Feed, place: str) -> Iterator[tuple[Document, ...]]:
    """What the feed's transport brings at first, closed afterwards. What cannot be had or read is a failure."""
    try:
        with _collected(feed, place) as documents:
            yield documents
    except UnreadableDocument as error:
        raise _failure(error, place) from error


@contextmanager
def _collected(feed: Feed, place: str) -> Iterator[tuple[Document, ...]]:
    """As :func:`fetched`, but that what cannot be read raises UnreadableDocument."""
    try:
        found = collect(feed, {}, means())
    except CollectError as error:
        raise _failure(error, place) from error
    try:
        yield found.documents
    finally:
        for document in found.documents:
            document.close()


def means() -> Means:
    """What collectors are handed by a command."""
    return Means(clock=system_clock, environment=os.environ, data=Path.cwd())


def _failure(error: Exception, place: str) -> Failure:
    # A document is called by the end of its place, which its errors begin with.
    said = str(error).removeprefix(f"{place}: ").removeprefix(f"{Path(place).name}: ")
    return Failure(f"{place}: {said}", FAILED)


def _file(source: str) -> Found:
    path = Path(source)
    if not path.is_file():
        raise Failure(f"{source}: expected a URL or a file, and there is none", FAILED)
    transport = FileTransport(kind="file", path=str(path.resolve()))
    with fetched(sketch({"kind": "text"}, transport=transport), source) as documents:
        document = _only(documents, source)
        if is_manifest(_tree(document)):
            raise Failure(f"{source}: the manifest of a MISP feed; give the URL at which it lies", FAILED)
        return Found(str(path.resolve()), *_guessed(document))


def _only(documents: tuple[Document, ...], source: str) -> Document:
    if len(documents) != 1:
        raise Failure(f"{source}: expected a document, got none", FAILED)
    return documents[0]


def _guessed(document: Document) -> tuple[Draft, About]:
    publisher = provider(_tree(document))
    if publisher is not None:
        raise UnreadableDocument(
            f"{document.name}: the metadata of a CSAF provider ({publisher.publisher}, {publisher.homepage}); "
            "give the URL of an advisory of its"
        )
    draft = guess(document)
    said = about(document, draft.format["kind"])
    if "language" in draft.format and said.language in _LANGUAGES:
        draft = draft._replace(format={**draft.format, "language": said.language})
    return draft, said


def _tree(document: Document) -> Any:
    """What it holds, where it is an object of JSON and no larger than a manifest is."""
    if document.content.size > _LARGEST_SAMPLE:
        return None
    with document.open() as stream:
        if stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return None
        stream.seek(0)
        with suppress(orjson.JSONDecodeError, RecursionError):
            return orjson.loads(stream.read())
    return None


def _misp(source: str, said: About) -> Found:
    """A MISP feed: its events are fetched with its manifest."""
    folder = source.partition("?")[0].rsplit("/", 1)[0]
    transport = MispTransport(kind="misp", url=folder)
    with fetched(sketch({"kind": "misp"}, transport=transport), source) as documents:
        drafts = [guess(document) for document in documents[:_TRIES]]
    if not drafts:
        raise Failure(f"{source}: expected events that changed within a year, got none", FAILED)
    best = max(drafts, key=lambda draft: draft.claims)
    return Found(folder, best, said, {"kind": "misp", "url": folder})


def _is_taxii(source: str) -> bool:
    parts = urlsplit(source)
    return "taxii" in f"{parts.netloc}{parts.path}".lower() and "." not in parts.path.rsplit("/", 1)[-1]


def taxii(source: str, collection: str | None) -> Found:
    """A collection of a TAXII 2.1 server; where there are several, one must be chosen."""
    from collectors.discovery import offered

    asked = TaxiiTransport(kind="taxii", api_root=source, collection="-", retries=0)
    try:
        every = offered(sketch({"kind": "stix"}, transport=asked), asked, means())
    except CollectError as error:
        raise _failure(error, source) from error
    chosen = [item for item in every if collection in (None, item.id, item.title)]
    if len(chosen) != 1:
        shown = "".join(f"\n  {item.id}  {item.title}  ({item.api_root})" for item in every)
        raise Failure(f"{source}: expected --collection with one of the {len(every)} that may be read:{shown}", FAILED)
    (item,) = chosen
    transport = TaxiiTransport(kind="taxii", api_root=item.api_root, collection=item.id)
    with fetched(sketch({"kind": "stix"}, transport=transport), source) as documents:
        draft, said = _guessed(_only(documents, source))
    named = said.also(About(title=f"{item.server} {item.title}".strip(), publisher=item.server))
    return Found(source, draft, named, {"kind": "taxii", "api_root": item.api_root, "collection": item.id})


def github(source: str, repository: re.Match[str], **hosts: str) -> Found:
    """The files of a repository: those of the kind of which there are most and that are recognised. ``hosts``: where
    GitHub answers, if not at its own address."""
    from collectors.github import listing

    told = {"kind": "github", "repository": repository["repository"], **hosts}
    told |= {"ref": repository["ref"]} if repository["ref"] else {}
    path = repository["path"] or ""
    everything = f"{path}/**/*" if path and repository["kind"] == "tree" else path or "**/*"
    asked = GithubTransport.model_validate({**told, "files": [everything], "max_files": 20_000})
    try:
        sizes = listing(sketch({"kind": "text"}, transport=asked), asked, means())
    except CollectError as error:
        raise _failure(error, source) from error
    for pattern, names in [(path, [path])] if repository["kind"] == "blob" else _kinds(path, sizes):
        for name in _some(names, sizes):
            dated = {"dates": "path"} if path_date(name) is not None else {}
            transport = {**told, "files": [pattern], **dated}
            one = sketch({"kind": "text"}, transport=GithubTransport.model_validate({**transport, "files": [name]}))
            with suppress(UnreadableDocument), _collected(one, source) as documents:
                draft, said = _guessed(_only(documents, source))
                owner, title = repository["repository"].split("/")
                home = About(title=title, publisher=owner, homepage=f"https://github.com/{owner}/{title}")
                return Found(source, draft, said.also(home), transport)
    raise Failure(f"{source}: expected files of values, recognised none of its {len(sizes)}", FAILED)


def _kinds(folder: str, sizes: dict[str, int]) -> list[tuple[str, list[str]]]:
    """Patterns for the files of each kind of name, and these; the kind of which there are most first."""
    by_end: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(sizes):
        end = PurePosixPath(name).suffix.removeprefix(".").lower()
        if end in _DATA:
            by_end[end].append(name)
    found = []
    for end, names in by_end.items():
        bases = {PurePosixPath(name).name for name in names}
        base = bases.pop() if len(bases) == 1 else f"*.{end}"
        below = f"{folder}/" if folder else ""
        deeper = "**/" if any("/" in name.removeprefix(below) for name in names) else ""
        found.append((f"{below}{deeper}{base}", names))
    return sorted(found, key=lambda item: (-len(item[1]), _DATA.index(item[0].rsplit(".", 1)[-1].lower())))


def _some(names: list[str], sizes: dict[str, int]) -> list[str]:
    """The last ones that hold something and are not too large: of files by date, the latest."""
    return [name for name in reversed(names) if 0 < sizes.get(name, 0) <= _LARGEST_SAMPLE][:_TRIES]
