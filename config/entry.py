"""What everything read from YAML has in common, and the forms of what it says."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from config.instant import Millis, parse_span
from config.yamlfile import given


class Entry(BaseModel):
    """Base of everything read from YAML: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _span(value: object) -> Millis:
    if not isinstance(value, str):
        meant = f"; did you mean {value}d?" if type(value) is int else ""
        raise ValueError(f"expected a length of time such as 15m, 12h or 90d, got {given(value)}{meant}")
    return parse_span(value)


#: A length of time, written ``12h`` and held in milliseconds.
Span = Annotated[int, BeforeValidator(_span), PlainSerializer(lambda value: f"{value}ms", return_type=str)]

# Without a flag for capitals, and run by run: in half the time.
_RUN = r"[A-Za-z0-9._~!$&'()*+,;=:@/?-]*"
_TAIL = rf"{_RUN}(?:%[0-9A-Fa-f]{{2}}{_RUN})*"
_WEB_ADDRESS = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?"
    rf"(?:[/?]{_TAIL})?(?:#{_TAIL})?"
)


def is_web_address(text: str) -> bool:
    """Whether it is an http(s) URI with a plain host name: no user in it, nothing that a page could take for markup."""
    return _WEB_ADDRESS.fullmatch(text) is not None


def _web_address(text: str) -> str:
    if not is_web_address(text):
        raise ValueError("expected a web address such as https://cert.example.jp/, in ASCII")
    return text


def fetchable(text: str) -> str:
    """Return a URL that something can be fetched from, else raise ValueError."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(f"expected a URL such as https://feeds.example.jp/list.txt, got {given(text)}")
    return text


#: An http(s) URL that something is fetched from; a user may stand in it, and places for what is filled in.
Fetchable = Annotated[str, Field(pattern=r"^https?://"), AfterValidator(fetchable)]

#: An http(s) URI that may be shown.
WebAddress = Annotated[str, AfterValidator(_web_address)]
