"""What a bare value may be: for look-ups, where nobody says the type."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable

from config.observables import PASSED
from normalizers.bad_value import BadValue
from normalizers.checking import is_id
from normalizers.values import canonical, classify, jvns_in, split_port


def meanings(value: str) -> list[tuple[str, str]]:
    """The observables that a value may name, the likeliest first: a hash may be a file's, a certificate's or a JA3
    fingerprint; the id of a STIX object is one that may be passed on; a host with a port behind it is the host. Raises
    :class:`BadValue` where it can be none."""
    if is_id(value.strip().lower()):
        return [(PASSED, value.strip().lower())]
    if value.upper().startswith("CVE-"):
        return [canonical("cve", value)]
    if unicodedata.normalize("NFKC", value).upper().startswith("JVN"):
        # No observable goes by a number alone; vulnerabilities and advisories do besides.
        return [("jvn", number) for number in jvns_in(value)] or [canonical("advisory", value)]
    try:
        kind, text = classify(value)
    except BadValue as error:
        found = _those((("certificate", value), ("wallet", value))) or _before_port(value)
        if not found:
            raise error from None
        return found
    others = (("certificate", text), ("ja3", text)) if kind == "file" else ()
    return [(kind, text), *_those(others)]


def _before_port(value: str) -> list[tuple[str, str]]:
    """The host of ``host:port``, as logs have it. An IPv6 address needs its brackets: without, all of it is address."""
    try:
        host, _ = split_port(value)
    except BadValue:
        return []
    return _those([("ip" if host.startswith("[") and host.endswith("]") else "domain", host)])


def _those(readings: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    found = []
    for kind, text in readings:
        with contextlib.suppress(BadValue):
            found.append(canonical(kind, text))
    return found
