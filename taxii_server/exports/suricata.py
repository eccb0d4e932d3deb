"""Rules for Suricata 6 and later: an alert for each address, name and plain HTTP address."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from string import ascii_letters, digits
from typing import NamedTuple
from urllib.parse import urlsplit

from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Row, Rows

#: Numbers of rules begin here, far above those that others use; a rule's number has 32 bits.
_FIRST, _NUMBERS = 2_100_000_000, 2_000_000_000
#: Longest text that a rule looks for.
_LONGEST = 250
_PLAIN = frozenset(ascii_letters + digits + " -._~/")


class _Match(NamedTuple):
    #: protocol, source, direction and destination
    head: str
    #: what is looked for there
    options: str


def write(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """The rules. A rule's number is made of its value, and stays with it, but where two values have one: then the later
    of them gets the next. What no rule can be made of is left out: https, whose paths are not seen; hashes, which take
    lists of their own; e-mail addresses."""
    yield f"# {_plain(about.title)} ({_plain(about.hub)})\n".encode()
    used: set[int] = set()
    for row, _ in rows:
        match = _match(row)
        if match is not None:
            said = _message(f"{about.hub} {row.type} {row.value}"[:_LONGEST])
            yield (
                f'alert {match.head} (msg:"{said}"; {match.options}classtype:trojan-activity; '
                f"metadata:confidence {row.confidence}; sid:{_number(row, used)}; rev:1;)\n"
            ).encode()


def _match(row: Row) -> _Match | None:
    if row.type in ("ipv4", "ipv6", "cidr"):
        return _Match(f"ip $HOME_NET any <> [{row.value}] any", "")
    if row.type == "domain":
        return _Match("dns $HOME_NET any -> any any", f"dns.query; {_whole(row.value, any_case=True)}")
    if row.type == "url" and row.value.startswith("http://"):
        return _http(row.value)
    return None


def _http(url: str) -> _Match | None:
    parts = urlsplit(url)
    host, path = parts.hostname or "", url.partition("://")[2].partition("/")[2]
    if ":" in host or len(path) >= _LONGEST:
        return None
    options = f"http.host; {_whole(host)}http.uri.raw; {_whole(f'/{path}')}"
    return _Match("http $HOME_NET any -> any any", options)


def _whole(text: str, *, any_case: bool = False) -> str:
    """That a buffer is this text and nothing else. ``http.host`` is in small letters, ``dns.query`` as it was sent."""
    return f'content:"{_quoted(text)}"; {"nocase; " if any_case else ""}bsize:{len(text.encode())}; '


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _message(text: str) -> str:
    """As it stands in ``msg``, where what means something in a rule has a backslash before it."""
    return "".join(f"\\{char}" if char in '\\";' else char for char in _plain(text))


def _quoted(text: str) -> str:
    """As it stands in ``content``: what could mean something there in hexadecimal digits."""
    return "".join(
        char if char in _PLAIN else "|" + " ".join(f"{byte:02X}" for byte in char.encode()) + "|" for char in text
    )


def _number(row: Row, used: set[int]) -> int:
    digest = hashlib.blake2b(f"{row.type}\0{row.value}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big") % _NUMBERS
    while number in used:  # seldom: of a hundred thousand values two have the same
        number = (number + 1) % _NUMBERS
    used.add(number)
    return _FIRST + number
