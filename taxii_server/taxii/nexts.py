"""The ``next`` of a page (TAXII 2.1 section 3.5): signed, stateless, and all that going on takes.

It holds the position and the whole query, so that a client may give it alone, with the parameters it began with, or
with others: what it holds wins, but for ``limit``. It grants nothing: whoever brings it needs the rights of any reader.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace

import orjson
from itsdangerous import BadSignature, Signer

from taxii_server.stores.base import Selection, Versions
from taxii_server.taxii.errors import bad_request

_FORM = 1
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page was: a token that was made elsewhere is no use here."""

    #: objects, manifest, object or versions
    endpoint: str
    #: the collection's UUID text
    collection: str
    #: STIX id, where the endpoint has one
    object_id: str = ""


class Nexts:
    """Makes and reads the tokens; any process with the same secret reads them."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, salt=b"noroshi.next", key_derivation="hmac", digest_method=hashlib.sha256)

    def write(self, place: Place, selection: Selection, last: int) -> str:
        """The token for what follows ``last``, a ``date_added``."""
        versions = selection.versions
        held = (
            _FORM,
            place.endpoint,
            place.collection,
            place.object_id,
            last,
            selection.limit,
            None if selection.types is None else sorted(selection.types),
            None if selection.ids is None else sorted((kind, uuid.hex()) for kind, uuid in selection.ids),
            (versions.last, versions.first, versions.all, versions.exact),
        )
        return self._signer.sign(base64.urlsafe_b64encode(orjson.dumps(held)).rstrip(b"=")).decode()

    def read(self, text: str, place: Place, limit: int | None) -> Selection:
        """The selection that ``text`` goes on with; ``limit``, if given, takes the place of its own.

        Raises the 400 of a token that was not made by this hub for this place.
        """
        try:
            signed = self._signer.unsign(text.encode("ascii")) if len(text) <= _LONGEST else b""
            held = orjson.loads(base64.urlsafe_b64decode(signed + b"=" * (-len(signed) % 4)))
        except (BadSignature, UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
            raise bad_request("next", text, "a value that this server gave") from error
        if held[0] != _FORM:
            raise bad_request("next", text, "a value that this version of the server gave")
        _, *where, last, own_limit, types, ids, (latest, first, every, exact) = held
        if Place(*where) != place:
            raise bad_request("next", text, "a value that this server gave for this very resource")
        selection = Selection(
            limit=own_limit,
            after=last,
            types=None if types is None else frozenset(types),
            ids=None if ids is None else frozenset((kind, bytes.fromhex(uuid)) for kind, uuid in ids),
            versions=Versions(last=latest, first=first, all=every, exact=tuple(exact)),
        )
        return selection if limit is None else replace(selection, limit=limit)
