"""Traces of victims in URLs: what a phishing page's address says about whoever was led to it.

The policy of docs/security.md: such a URL is refused before anything is stored, whatever feed or publisher it comes
from. It is not cut: another URL would be a value that nobody reported.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from normalizers import hosts
from normalizers.bad_value import BadValue

#: A parameter that holds the visitor's network address.
_VISITOR = re.compile(
    r"[?&;](?:(?:client|remote|real|source|src|user|visitor|victim|my|your|[cx])?[_-]?ip(?:v[46])?|ip_?addr(?:ess)?"
    r"|remote_?addr)=([^&;#]+)",
    re.IGNORECASE,
)
#: What stands for the sign in an e-mail address, in full width or defanged.
_SIGN = re.compile(r"\uff20|[\[({]\s?(?:at|@|\uff20)\s?[\])}]", re.IGNORECASE)
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)", re.IGNORECASE)
#: What publishers put in place of a victim's address.
_PLACEHOLDER = re.compile(r"(?:^|\.)example(?:\.[a-z]{2,3}){0,2}$", re.IGNORECASE)
#: How often an address is escaped within an address within an address.
_DEEPEST = 3


def refuse_personal(kind: str, value: str) -> None:
    """Raise :class:`BadValue` for a canonical value that is one visitor's own: a URL with their address in it."""
    if kind == "url" and personal_data(value):
        raise BadValue("personal-data", "expected a URL without an address of whoever visited it")


def personal_data(url: str) -> bool:
    """Whether the user, path or query of a canonical URL holds a visitor's IP address or somebody's e-mail address.

    Such a URL is useless as an indicator to others, and not the hub's to pass on.
    """
    if "@" not in url and "=" not in url and "%" not in url and "[" not in url and "(" not in url and "{" not in url:
        return False
    user, rest = _parts(url)
    for _ in range(_DEEPEST + 1):
        visitor = _VISITOR.search(f"/{rest}")
        if visitor is not None and _is_address(visitor[1]):
            return True
        if names_somebody(rest) or names_somebody(user):
            return True
        if "%" not in rest and "%" not in user:
            return False
        user, rest = unquote(user, errors="replace"), unquote(rest, errors="replace")
    return False


def names_somebody(text: str) -> bool:
    """Whether an e-mail address stands in a text that is no placeholder, with a sign in full width or defanged too."""
    plain = _SIGN.sub("@", text)
    return "@" in plain and any(not _PLACEHOLDER.search(one[1]) for one in _EMAIL.finditer(plain))


def _parts(url: str) -> tuple[str, str]:
    """The user before the host, and what follows it."""
    authority, _, rest = url.partition("://")[2].partition("/")
    return authority.rpartition("@")[0], rest


def _is_address(text: str) -> bool:
    try:
        hosts.address(text.strip("[]"))
    except BadValue:
        return False
    return True
