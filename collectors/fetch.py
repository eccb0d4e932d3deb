"""One GET, or one POST, bounded in every way: time, bytes, redirects, tries.

The whole of it ends at a deadline, a trickling body and the waits between tries included. A body that is cut off is an
error and never a document.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from itertools import count
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from collectors.deadline import Deadline, session
from collectors.document import Body, Spool
from collectors.errors import GiveUp, TooLarge, TryLater, Unreadable
from collectors.means import Means, Pacing
from collectors.unpacking import Gunzip
from config.instant import DAY, SECOND, Clock, Millis, from_datetime

_CONNECT_TIMEOUT = 10.0
_READ_TIMEOUT = 30.0
_CHUNK = 64 * 1024
_REDIRECTS = 5
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_LONGEST_REST: Millis = 7 * DAY
_REDIRECTED = frozenset((301, 302, 303, 307, 308))
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504, 507, 508, 520, 521, 522, 523, 524))
#: What another host may be told when a redirect leads there.
_FOR_STRANGERS = frozenset(("user-agent", "accept", "accept-encoding", "if-none-match", "if-modified-since"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to get."""

    #: as requested; may hold a secret
    url: str
    #: as messages may show it
    shown: str
    #: may hold a secret
    headers: Mapping[str, str]
    #: largest body, packed and unpacked, in bytes
    max_bytes: int
    #: for all of it, tries and waits included
    timeout: Millis
    #: further tries after the first
    retries: int
    #: statuses that are answers too, besides 200 (and 304 to a conditional request)
    also: frozenset[int] = frozenset()
    #: sent by POST where there is any (application/x-www-form-urlencoded); may hold a secret
    form: Mapping[str, str] = field(default_factory=dict)
    #: sent by POST as it is, where there is any, in place of a form
    posted: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    status: int
    #: names in small letters
    headers: Mapping[str, str]
    #: of a 200, and of a 206 to a request for a range; else empty
    body: Body


def get(request: Request, means: Means) -> Answer:
    """Fetch it. Raises :class:`CollectError`; after ``retries`` failures that may pass, the last of them."""
    pacing = means.pacing
    seconds = request.timeout / SECOND
    end = pacing.monotonic() + seconds
    with Deadline(seconds) as deadline, session(deadline) as http:
        for attempt in count():
            try:
                return _follow(http, request, deadline, means.clock)
            except TryLater as error:
                wait = max(_backoff(attempt, pacing), (error.retry_after or 0) / SECOND)
                if attempt >= request.retries or deadline.passed or pacing.monotonic() + wait >= end:
                    raise
                pacing.sleep(wait)
    raise AssertionError("unreachable: the loop has no other end")


def _backoff(attempt: int, pacing: Pacing) -> float:
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempt, 10))) * (0.5 + pacing.random())


def _follow(http: requests.Session, request: Request, deadline: Deadline, clock: Clock) -> Answer:
    for _ in range(_REDIRECTS + 1):
        with _ask(http, request, deadline) as response:
            if response.status_code not in _REDIRECTED:
                return _answer(response, request, deadline, clock)
            request = _redirected(request, response.headers.get("Location"))
    raise GiveUp(f"{request.shown}: expected at most {_REDIRECTS} redirects, got more")


def _ask(http: requests.Session, request: Request, deadline: Deadline) -> requests.Response:
    try:
        return _sent(http, request)
    except requests.exceptions.SSLError as error:
        problem: TryLater | GiveUp = GiveUp(f"{request.shown}: {_distrusted(error)}")
    except requests.Timeout:
        problem = TryLater(f"{request.shown}: no answer in time")
    except requests.ConnectionError as error:
        problem = TryLater(f"{request.shown}: {_unconnected(error)}")
    except requests.RequestException as error:
        problem = GiveUp(f"{request.shown}: cannot be requested ({type(error).__name__})")
    except (HTTPError, OSError, ValueError) as error:
        problem = TryLater(f"{request.shown}: the exchange failed ({type(error).__name__})")
    # Outside the except clause, so that the low-level error, which shows the URL with its key, is not kept as context.
    raise _late(request) if deadline.passed else problem


def _sent(http: requests.Session, request: Request) -> requests.Response:
    """The answer, of which the body is not read. Raises what requests and urllib3 raise."""
    posted = request.posted or dict(request.form) or None
    headers = {"Accept-Encoding": "gzip", **request.headers}
    made = requests.Request("POST" if posted else "GET", request.url, headers=headers, data=posted)
    prepared = http.prepare_request(made)
    if prepared.url is None:
        raise requests.exceptions.InvalidURL
    settings = http.merge_environment_settings(prepared.url, {}, True, None, None)
    seconds = request.timeout / SECOND
    # By way of the adapter: Session.send reads the whole body of a redirect, however large, even when it is not to
    # follow it.
    return http.get_adapter(prepared.url).send(
        prepared,
        stream=True,
        timeout=(min(_CONNECT_TIMEOUT, seconds), min(_READ_TIMEOUT, seconds)),
        verify=True if settings["verify"] is None else settings["verify"],
        cert=settings["cert"],
        proxies=settings["proxies"],
    )


def _distrusted(error: requests.exceptions.SSLError) -> str:
    """Why TLS failed, as far as it says so without naming anything."""
    cause = _reason(error)
    inner = cause.args[0] if isinstance(cause, HTTPError) and cause.args else None
    if isinstance(inner, ssl.SSLCertVerificationError):
        # Of a mismatch it goes on with the host's name.
        return f"its TLS certificate is not trusted: {inner.verify_message.split(',')[0]}"
    return "its TLS certificate or protocol is not acceptable"


def _unconnected(error: requests.ConnectionError) -> str:
    """What a connection failed for. Not in the error's own words, which may hold the URL with its key."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached, or does not let it through"
    cause = _reason(error)
    if isinstance(cause, NameResolutionError):
        return "the name of its host, or of the proxy, is not known here"
    if isinstance(cause, NewConnectionError) and isinstance(cause.__cause__, OSError) and cause.__cause__.strerror:
        return f"cannot be connected to: {cause.__cause__.strerror}"
    return "the connection failed or broke off"


def _reason(error: requests.RequestException) -> object:
    return getattr(error.args[0], "reason", None) if error.args else None


def _late(request: Request) -> TryLater:
    return TryLater(f"{request.shown}: not finished within {request.timeout / SECOND:g} s")


def _redirected(request: Request, location: str | None) -> Request:
    if request.form or request.posted:
        raise GiveUp(f"{request.shown}: redirected, and what is posted is not sent to another place")
    if not location:
        raise GiveUp(f"{request.shown}: redirected to nowhere")
    try:
        target = urljoin(request.url, location)
        old, new = urlsplit(request.url), urlsplit(target)
        same = (old.scheme, old.hostname, old.port) == (new.scheme, new.hostname, new.port)
    except ValueError:
        raise GiveUp(f"{request.shown}: redirected to what is no URL") from None
    if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
        raise GiveUp(f"{request.shown}: expected a redirect to http or https, and not from https to http")
    if _inward(new.hostname) and not _inward(old.hostname):
        raise GiveUp(f"{request.shown}: redirected to an address inside this network, which is not followed")
    headers = {k: v for k, v in request.headers.items() if same or k.lower() in _FOR_STRANGERS}
    return replace(request, url=target, headers=headers)


def _inward(host: str | None) -> bool:
    """Whether a host is this machine or one of a private network, as far as its name tells."""
    name = (host or "").rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return False


def _answer(response: requests.Response, request: Request, deadline: Deadline, clock: Clock) -> Answer:
    status = response.status_code
    headers = {name.lower(): value for name, value in response.headers.items()}
    if status == 200 or (status == 206 and "range" in map(str.lower, request.headers)):
        return Answer(status=status, headers=headers, body=_body(response, headers, request, deadline))
    if status in request.also or (status == 304 and _conditional(request)):
        return Answer(status=status, headers=headers, body=Body.of(b""))
    if status in _PASSING:
        raise TryLater(f"{request.shown}: answered {status}", _retry_after(headers.get("retry-after"), clock))
    if status in (401, 403, 407):
        raise GiveUp(f"{request.shown}: answered {status}, so the key or the rights are wrong")
    raise GiveUp(f"{request.shown}: expected 200, got {status}")


def _conditional(request: Request) -> bool:
    return any(name.lower() in ("if-none-match", "if-modified-since") for name in request.headers)


def _retry_after(value: str | None, clock: Clock) -> Millis | None:
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(int(value.strip()[:9]) * SECOND, _LONGEST_REST)
    try:
        wait = from_datetime(parsedate_to_datetime(value)) - clock() // 1_000
    except (ValueError, OverflowError):
        return None
    return max(0, min(wait, _LONGEST_REST))


def _body(response: requests.Response, headers: Mapping[str, str], request: Request, deadline: Deadline) -> Body:
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip", ""):
        raise Unreadable(f"{request.shown}: expected content coding gzip or none, got {coding[:20]!r}")
    if headers.get("content-length", "").isdigit() and int(headers["content-length"]) > request.max_bytes:
        raise TooLarge(f"{request.shown}: expected at most {request.max_bytes} bytes, got {headers['content-length']}")
    with Spool(request.max_bytes, request.shown) as spool:
        gunzip = Gunzip(spool, request.shown) if "gzip" in coding else None
        received = 0
        while data := _read(response, request, deadline):
            received += len(data)
            if received > request.max_bytes:
                raise TooLarge(f"{request.shown}: expected at most {request.max_bytes} bytes, got more")
            (gunzip or spool).write(data)
        if gunzip:
            gunzip.finish()
        return spool.body()


def _read(response: requests.Response, request: Request, deadline: Deadline) -> bytes:
    problem: TryLater | None = None
    try:
        data: bytes = response.raw.read(_CHUNK, decode_content=False)
    except (HTTPError, OSError, ValueError):
        problem = TryLater(f"{request.shown}: the body was cut off or took too long")
    if deadline.passed:
        # Its sockets were shut down, so an end that looks orderly may not be one.
        raise _late(request)
    if problem is not None:
        raise problem
    return data
