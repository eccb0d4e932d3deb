"""URLs in the one spelling the hub keeps.

Scheme and host in lower case, the host as :mod:`normalizers.hosts` writes it, no default port, ``/`` for an empty
path, no fragment, percent-escapes in capitals, what is no ASCII as escaped UTF-8; path and query otherwise untouched,
and user information kept, since the real host is what follows the last ``@``. Where browsers (WHATWG URL) and RFC 3986
disagree on the host, the URL is refused.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote

from normalizers import hosts
from normalizers.bad_value import BadValue, shown
from normalizers.refang import EDGES, INVISIBLE, defanged, refang, tidy

#: scheme -> default port
SCHEMES: dict[str, int] = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "sftp": 22, "ws": 80, "wss": 443}
#: Browsers take these with any number of slashes: ``https:host`` is ``https://host`` (WHATWG URL, "special").
_SPECIAL = frozenset(("http", "https", "ftp", "ws", "wss"))
_LONGEST = 8_192

#: A URL that needs no change but for its port: what nearly every row is.
_PLAIN = re.compile(r"(https?)://([a-z0-9._-]+)(?::([0-9]{1,9}))?(/[!$&'()+,./0-9:;=?@A-Z_a-z~-]*)?")
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(/*)([^/?#]*)(.*)", re.DOTALL)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
#: What no client can send as it is.
_UNSENT = re.compile("[^!-~]+")
_BLANKS = " \t\r\n\f\v\u00a0\u3000"
#: The end of the host, not the slash of a defanged ``[/]``.
_AFTER_HOST = re.compile(r"[/?#](?![\])}])")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Marks of a value that was cut, or whose secret was replaced before publication.
_REDACTED = re.compile(
    r"\u2026|%E2%80%A6\Z|\u25cf|\uff0a|[\u25a0\u25a1\u25cb\u25ef\u3007]{2}|[\[<({](?:redacted|removed|snip)[\])}>]"
    r"|\*\*|=\*|\*\Z|\.\.\.\Z",
    re.IGNORECASE,
)
#: What RFC 3986 bars and a row from a web page or a broken CSV leaves behind.
_POLLUTED = re.compile(r'["<>]')


def url(text: str) -> str:
    """The canonical spelling of a URL. Raises :class:`BadValue`."""
    plain = _PLAIN.fullmatch(text)
    if plain is None or len(text) > _LONGEST or text.endswith("..."):
        return _url(text, fragment=False)
    scheme, host, port, rest = plain.groups()
    _, name = hosts.host(host)
    if port is None and rest and name == host:
        return text
    return f"{scheme}://{name}{_port(port or '', scheme, text)}{rest or '/'}"


def page(text: str) -> str:
    """As :func:`url`, with its fragment: what names a part of a page, as an advisory does."""
    return _url(text, fragment=True)


def host_of(canonical: str) -> tuple[str, str]:
    """The kind (``domain``, ``ipv4``, ``ipv6``) and value of a canonical URL's host."""
    authority = canonical.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
    return hosts.host(_split_port(authority, canonical)[0])


def _url(text: str, *, fragment: bool) -> str:
    if len(text) > _LONGEST:
        raise BadValue("too-long", f"expected at most {_LONGEST} characters, got {len(text)}")
    given = _legible(text)
    if _UNSAFE.search(given):
        raise BadValue("control-character", f"expected no control characters in a URL, got {shown(given)}")
    scheme, authority, rest = _split(given)
    path, hash_mark, tail = rest.partition("#")
    path = path.rstrip(_BLANKS)
    if _REDACTED.search(authority + path):
        raise BadValue("redacted", f"expected a whole URL, got one with parts left out: {shown(given)}")
    user, host = _host(authority, scheme, given)
    if _POLLUTED.search(user + path):
        raise BadValue("polluted", f"expected a URL and nothing else, got {shown(given)}")
    tail = f"#{tail}" if fragment and hash_mark and tail else ""
    whole = f"{scheme}://{_sent(user)}{host}{_sent(path if path.startswith('/') else '/' + path)}{tail}"
    if len(whole) > _LONGEST:
        raise BadValue("too-long", f"expected at most {_LONGEST} characters as it is sent, got {len(whole)}")
    return whole


def _legible(text: str) -> str:
    """The URL as it was before it was defanged, copied or set in full width."""
    if text.isascii():
        given = text.strip(_BLANKS)
    else:
        given = text.strip(EDGES)
        head = _head(given)
        given = tidy(head) + given[len(head) :]
        if INVISIBLE.search(given):
            # In the host a browser drops it; here it would send it, if it was there and not put in by copying.
            raise BadValue("invisible-character", f"expected no invisible character after the host, got {shown(given)}")
        if _PARTS.fullmatch(given) is None:
            given = unicodedata.normalize("NFKC", given)
    return refang(given) if defanged(_head(given)) else given


def _head(text: str) -> str:
    before, slashes, after = text.partition("//")
    if not slashes:
        before, after = "", text
    return before + slashes + _AFTER_HOST.split(after, maxsplit=1)[0]


def _sent(text: str) -> str:
    """User, path or query as a client sends it: escapes in capitals, what is no ASCII as UTF-8 (RFC 3987, 3.1)."""
    return _UNSENT.sub(_escaped, _ESCAPE.sub(_capitals, text))


def _escaped(found: re.Match[str]) -> str:
    return quote(found[0], safe="")


def _capitals(escape: re.Match[str]) -> str:
    return escape[0].upper()


def _split(text: str) -> tuple[str, str, str]:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise BadValue("no-scheme", f"expected a URL that begins with its scheme, got {shown(text)}")
    scheme, slashes, authority, rest = parts.groups()
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        raise BadValue("bad-scheme", f"expected a scheme of {', '.join(SCHEMES)}, got {shown(text)}")
    if slashes != "//" and scheme not in _SPECIAL:
        raise BadValue("bad-scheme", f"expected {scheme}://, got {shown(text)}")
    if "\\" in authority:
        # To a browser the backslash ends the host, to RFC 3986 it does not: the two would go to different places.
        raise BadValue("bad-host", f"expected no backslash in the host part, got {shown(text)}")
    return scheme, authority, rest


def _host(authority: str, scheme: str, whole: str) -> tuple[str, str]:
    user, _, place = authority.rpartition("@")
    given, port = _split_port(tidy(place), whole)
    if "%" in given:
        given = unquote(given, errors="replace")  # as browsers do; what is no UTF-8 is no host either
    kind, name = hosts.host(given)
    shown_user = f"{user}@" if user.strip(":") else ""
    return shown_user, (f"[{name}]" if kind == "ipv6" else name) + _port(port, scheme, whole)


def _split_port(place: str, whole: str) -> tuple[str, str]:
    if place.startswith("["):
        host, bracket, port = place.partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise BadValue("bad-host", f"expected [IPv6 address]:port, got {shown(whole)}")
        return host + bracket, port[1:]
    host, _, port = place.partition(":")
    if not host:
        raise BadValue("bad-host", f"expected a host, got {shown(whole)}")
    return host, port


def _port(text: str, scheme: str, whole: str) -> str:
    if not text:
        return ""
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 0 < int(text) < 65_536:
        raise BadValue("bad-port", f"expected a port from 1 to 65535, got {shown(whole)}")
    number = int(text)
    return "" if number == SCHEMES[scheme] else f":{number}"
