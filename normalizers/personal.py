"""Traces of victims in URLs: what a phishing page's address says about whoever was led to it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from normalizers import hosts
from normalizers.bad_value import BadValue

#: A parameter that holds the visitor's network address.
_VISITOR = re.compile(r"[?&;](?:ip|ip_?addr(?:ess)?|client_?ip|remote_?addr)=([^&;#]+)", re.IGNORECASE)
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)", re.IGNORECASE)
#: What publishers put in place of a victim's address.
_PLACEHOLDER = re.compile(r"(?:^|\.)example(?:\.[a-z]{2,3}){0,2}$", re.IGNORECASE)


def personal_data(url: str) -> bool:
    """Whether a canonical URL's path or query holds a visitor's IP address or somebody's e-mail address.

    Such a URL is one visitor's own: useless as an indicator, and not ours to pass on.
    """
    if "@" not in url and "=" not in url and "%40" not in url:
        return False
    rest = unquote(url.partition("://")[2].partition("/")[2], errors="replace")
    visitor = _VISITOR.search(f"/{rest}")
    if visitor is not None and _is_address(visitor[1]):
        return True
    return any(not _PLACEHOLDER.search(found[1]) for found in _EMAIL.finditer(rest))


def _is_address(text: str) -> bool:
    try:
        hosts.address(text)
    except BadValue:
        return False
    return True
