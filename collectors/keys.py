"""The secret that a feed needs: from the environment into the request, and nowhere else."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from collectors.errors import GiveUp
from config.feeds import Feed

_ESCAPE = re.compile("%[0-9A-F]{2}")
#: Stands in a URL or a header for the secret.
PLACE = "{key}"


def key_of(feed: Feed, environment: Mapping[str, str]) -> str | None:
    """The feed's secret; None when it needs none. Raises :class:`GiveUp` when it is not set."""
    if feed.key is None:
        return None
    key = environment.get(feed.key, "").strip()
    if not key:
        raise GiveUp(f"{feed.id}: expected its key in the environment variable {feed.key}, which is not set")
    if not key.isascii() or not key.isprintable():
        raise GiveUp(
            f"{feed.id}: expected printable ASCII in the environment variable {feed.key}, got other characters"
        )
    return key


def secret_of(feed: Feed, environment: Mapping[str, str]) -> str:
    """As :func:`key_of`, for what is to be kept out of all that is stored and shown; "" where there is none."""
    return environment.get(feed.key, "").strip() if feed.key is not None else ""


def spellings(secret: str) -> tuple[str, ...]:
    """How a publisher may give the secret back: as it is, as it stands in a URL, or in JSON. Empty without one."""
    if not secret:
        return ()
    escaped = [quote(secret, safe=""), quote(secret)]
    small = [_ESCAPE.sub(lambda found: found[0].lower(), text) for text in escaped]
    return tuple(dict.fromkeys((secret, *escaped, *small, json.dumps(secret)[1:-1])))


def hidden(text: str, secret: str) -> str:
    """The text with ``{key}`` in place of the secret."""
    for spelling in spellings(secret):
        text = text.replace(spelling, PLACE)
    return text


def check_used(feed: Feed, *templates: str) -> None:
    """Refuse a feed that names a secret which nothing would send: it is meant to be sent. Raises :class:`GiveUp`."""
    if feed.key is not None and not any(PLACE in template for template in templates):
        raise GiveUp(f"{feed.id}: names a key, and neither its URL nor its headers nor its form have {PLACE} in them")


def in_url(template: str, key: str | None) -> str:
    """The URL to ask for: ``{key}`` replaced by the percent-encoded secret. Raises :class:`GiveUp`."""
    if PLACE not in template:
        return template
    if key is None:
        raise GiveUp(f"{template}: {PLACE} stands in the URL, and the feed names no key")
    return template.replace(PLACE, quote(key, safe=""))


def in_headers(headers: Mapping[str, str], key: str | None) -> dict[str, str]:
    """The headers to send. ``Basic NAME:{key}`` is encoded as RFC 7617 asks. Raises :class:`GiveUp`."""
    return {name: _in_header(name, value, key) for name, value in headers.items()}


def in_form(form: Mapping[str, str], key: str | None) -> dict[str, str]:
    """The members of a form to send. Raises :class:`GiveUp`."""
    if key is None and any(PLACE in value for value in form.values()):
        raise GiveUp(f"form: {PLACE} stands in it, and the feed names no key")
    return {name: value.replace(PLACE, key or "") for name, value in form.items()}


def _in_header(name: str, template: str, key: str | None) -> str:
    if PLACE not in template:
        return template
    if key is None:
        raise GiveUp(f"header {name}: {PLACE} stands in it, and the feed names no key")
    value = template.replace(PLACE, key)
    scheme, _, rest = value.partition(" ")
    return basic(rest) if scheme.lower() == "basic" and ":" in rest else value


def basic(credentials: str) -> str:
    """The value of an Authorization header for ``name:password`` (RFC 7617)."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"
