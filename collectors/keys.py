"""The secret that a feed needs: from the environment into the request, and nowhere else."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from collectors.errors import GiveUp
from config.feeds import Feed
from config.transports import TaxiiTransport

_ESCAPE = re.compile("%[0-9A-F]{2}")
#: Stands in a URL or a header for the secret.
PLACE = "{key}"
_BASIC = "Basic "
#: From the alphabet of Base64 to the one for URLs and file names.
_FOR_URLS = str.maketrans("+/", "-_")


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


def secrets_of(feed: Feed, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What is to be kept out of all that is stored and shown: the feed's secret, and the credentials of HTTP Basic
    within which it is sent, with and without padding, in both alphabets of RFC 4648. Empty where there is none."""
    key = environment.get(feed.key, "").strip() if feed.key is not None else ""
    if not key:
        return ()
    headers: Mapping[str, str] = getattr(feed.transport, "headers", {})
    sent = [_in_header(name, template, key) for name, template in headers.items() if PLACE in template]
    if isinstance(feed.transport, TaxiiTransport) and feed.transport.user:
        sent.append(basic(f"{feed.transport.user}:{key}"))
    encoded = [value.removeprefix(_BASIC) for value in sent if value.startswith(_BASIC)]
    encoded += [text.translate(_FOR_URLS) for text in encoded]
    return (key, *filter(None, (*encoded, *(text.rstrip("=") for text in encoded))))


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """How a publisher may give secrets back, the longest first: as they are, as they stand in a URL, or in JSON."""
    found = set[str]()
    for secret in secrets:
        escaped = {quote(secret, safe=""), quote(secret)}
        small = {_ESCAPE.sub(lambda one: one[0].lower(), text) for text in escaped}
        found |= {secret, *escaped, *small, json.dumps(secret)[1:-1]}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text with ``{key}`` in place of the secrets."""
    for spelling in spellings(secrets):
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
    return f"{_BASIC}{base64.b64encode(credentials.encode()).decode()}"
