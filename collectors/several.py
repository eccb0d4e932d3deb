"""The documents of one call, fetched one after another: what cannot be had of them costs all, or itself alone."""

from __future__ import annotations

from collections.abc import Callable, Container
from types import TracebackType

from collectors.document import Document
from collectors.errors import CollectError, TooLarge, Unreadable

#: What is wrong with a document and not with its publisher, nor with the way there.
DAMAGED: tuple[type[CollectError], ...] = (TooLarge, Unreadable)


class Several:
    """What was fetched so far. As a context, an error that ends it closes all of that."""

    def __init__(self, borne: tuple[type[CollectError], ...] = ()) -> None:
        """``borne``: errors that cost only the document; none where the documents are one whole."""
        self._borne = borne
        #: by place, in the order in which they were fetched
        self.documents: dict[str, Document] = {}
        #: by place, why it could not be had
        self.missing: dict[str, str] = {}

    def take(self, place: str, fetch: Callable[[], Document | None]) -> None:
        """Fetch one. ``fetch`` gives None where nothing is new. Raises what it raises and is not borne."""
        try:
            document = fetch()
        except self._borne as error:
            self.missing[place] = str(error)
            return
        if document is not None:
            self.documents[place] = document

    def keep(self, places: Container[str]) -> None:
        """Close all others."""
        for place in [place for place in self.documents if place not in places]:
            self.documents.pop(place).close()

    def __enter__(self) -> Several:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is not None:
            self.keep(())
