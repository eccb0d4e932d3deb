"""Known-good lists, compiled: they match as the plainest reading of them would, whatever the values."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from normalizers import known_good_names, known_good_texts
from normalizers.known_good import NOTHING, Hit, Listing, Matcher, compiled
from normalizers.known_good_texts import UnsafePattern, expression

TYPES = frozenset({"domain", "url", "site", "email", "ipv4", "ipv6", "cidr", "file"})
SHARED = ("shared.example", "co.jp", "pages.cloud.example")

labels = st.sampled_from(["a", "b", "www", "good", "shared", "cloud", "pages", "example", "co", "jp"])
names = st.tuples(st.lists(labels, min_size=1, max_size=4), st.sampled_from(["example", "jp"])).map(
    lambda parts: ".".join([*parts[0], parts[1]])
)
addresses = st.one_of(
    st.integers(0, 400).map(lambda number: str(ipaddress.IPv4Address(0xC0000200 + number))),
    st.integers(0, 400).map(lambda number: str(ipaddress.IPv6Address((0x20010DB8 << 96) + number * 7))),
)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A network around a few addresses that others share."""
    address = ipaddress.ip_address(draw(addresses))
    length = draw(st.integers(22, 32) if address.version == 4 else st.integers(116, 128))
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


@st.composite
def observables(draw: st.DrawFn) -> tuple[str, str]:
    """A canonical observable of a kind that lists are about."""
    kind = draw(st.sampled_from(["domain", "url", "email", "ipv4", "cidr"]))
    if kind == "ipv4":
        address = draw(addresses)
        return ("ipv6" if ":" in address else "ipv4"), address
    if kind == "cidr":
        network = draw(networks())
        whole = network.endswith(("/32", "/128"))
        return (("ipv6" if ":" in network else "ipv4"), network.partition("/")[0]) if whole else ("cidr", network)
    name = draw(names)
    if kind == "url":
        host = draw(st.one_of(st.just(name), addresses.map(lambda text: f"[{text}]" if ":" in text else text)))
        return (
            "url",
            f"http://{host}{draw(st.sampled_from(['', ':81']))}/{draw(st.sampled_from(['', 'x', '?q', 'good/']))}",
        )
    return (kind, f"who@{name}") if kind == "email" else (kind, name)


@st.composite
def listings(draw: st.DrawFn) -> list[Listing]:
    """A few lists that overlap."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        match = draw(st.sampled_from(["string", "hostname", "cidr", "substring"]))
        values = {
            "string": st.one_of(names, addresses, observables().map(lambda item: item[1])),
            "hostname": st.one_of(names, names.map(lambda name: f".{name}")),
            "cidr": st.one_of(networks(), addresses),
            "substring": st.sampled_from(["good", "example", "www.", "2001:db8", "shared.ex"]),
        }[match]
        found.append(
            Listing(
                id=f"list-{number}",
                on=frozenset(draw(st.sets(st.sampled_from(sorted(TYPES)), min_size=1))),
                reach=draw(st.sampled_from(["name", "owned", "all"])),
                parts=((match, tuple(draw(st.lists(values, max_size=5)))),),
                besides=frozenset(draw(st.lists(names, max_size=2))),
            )
        )
    return found


def _host(kind: str, value: str) -> str:
    if kind == "url":
        host = value.split("/")[2]
        return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return value.rpartition("@")[2]


def _beneath(name: str) -> list[str]:
    """The names above it, nearest first."""
    parts = name.split(".")
    return [".".join(parts[place:]) for place in range(1, len(parts))]


def _holds(listing: Listing, kind: str, value: str) -> bool:
    """The plainest reading of what docs/known-good.md says."""
    host = _host(kind, value)
    bare = kind == "url" and value.partition("://")[2].partition("/")[2] == ""
    if kind not in listing.on and not (bare and "site" in listing.on):
        return False
    if listing.besides.intersection({value, host, *_beneath(host)}):
        return False
    ((match, values),) = listing.parts
    if match == "substring":
        return any(word in value.lower() for word in values)
    if match == "cidr":
        if kind in ("domain", "email") or (kind == "url" and host.replace("www", "").isalpha()):
            return False
        try:
            inner = ipaddress.ip_network(host)
        except ValueError:
            return False
        nets = [ipaddress.ip_network(item) for item in values]
        # What several networks of a list hold side by side, the list holds.
        joined = ipaddress.collapse_addresses([net for net in nets if net.version == inner.version])  # type: ignore[type-var]
        return any(inner.subnet_of(net) for net in joined)  # type: ignore[arg-type]
    entries = {item.removeprefix(".") for item in values}
    if match == "string" and value in entries:
        return True
    return _reached(listing, kind, host, entries)


def _reached(listing: Listing, kind: str, host: str, entries: set[str]) -> bool:
    if kind not in ("domain", "url", "email") or ":" in host or host[-1].isdigit():
        return False
    if host in entries:
        return True
    for depth, above in enumerate(_beneath(host)):
        if listing.reach == "owned" and above in SHARED:
            return False
        if above in entries and (listing.reach != "name" or (depth == 0 and host.startswith("www."))):
            return True
    return False


@given(listings(), st.lists(observables(), min_size=1, max_size=10), st.sampled_from([1, 3, 1_000]))
@how(max_examples=400, deadline=None)
@example([Listing("list-0", frozenset({"domain"}), "owned", (("hostname", ["co.jp"]),))], [("domain", "co.jp")], 1_000)
def test_the_lists_that_hold_a_value_are_those_of_the_plainest_reading(
    some: list[Listing], values: list[tuple[str, str]], few: int
) -> None:
    """Sorted hashes, ranges and indexes give what one loop over everything would; and each hit names an entry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_good_names, "FEW", few)
        matcher = Matcher(compiled(some, SHARED))
    for kind, value in values:
        expected = tuple(listing.id for listing in some if _holds(listing, kind, value))
        assert matcher.ids(matcher.match(kind, value)) == expected, (kind, value)
        hits = matcher.entries(kind, value)
        assert tuple(hit.id for hit in hits) == expected
        assert all(hit.entry for hit in hits)


def _matcher(match: Any, *values: str, on: set[str] | None = None, reach: Any = "owned", **more: Any) -> Matcher:
    return Matcher(compiled([Listing("list", frozenset(on or TYPES), reach, ((match, values),), **more)], SHARED))


@pytest.mark.parametrize(
    ("reach", "value", "held"),
    [
        ("name", "good.example", True),
        ("name", "www.good.example", True),
        ("name", "www.x.good.example", False),
        ("name", "x.good.example", False),
        ("owned", "a.b.good.example", True),
        ("owned", "verygood.example", False),
        ("owned", "good.example.evil.test", False),
        ("owned", "x.good.co.jp", True),
        ("owned", "good2.co.jp", False),
        ("all", "good2.co.jp", True),
    ],
)
def test_how_far_a_name_speaks(reach: str, value: str, held: bool) -> None:
    """By itself, with what is its own, or with all that lies beneath it."""
    matcher = _matcher("hostname", "good.example", "good.co.jp", "co.jp", reach=reach)
    assert bool(matcher.match("domain", value)) is held


def test_nothing_beneath_a_shared_host_is_spoken_for() -> None:
    """A host that many share is held itself; what everybody may put beneath it is not, nor by a name further up."""
    matcher = _matcher("hostname", "cloud.example", "pages.cloud.example")
    assert matcher.match("domain", "pages.cloud.example")
    assert matcher.match("domain", "status.cloud.example")
    assert not matcher.match("domain", "somebody.pages.cloud.example")
    assert not matcher.match("domain", "x.somebody.pages.cloud.example")


def test_a_url_at_a_host_is_not_the_host() -> None:
    """A list of hosts acts on a URL only where it says so, or where the URL is the host alone."""
    sites = _matcher("hostname", "good.example", on={"domain", "site"})
    assert sites.match("url", "https://good.example/")
    assert sites.match("url", "https://good.example:8443/")
    assert not sites.match("url", "https://good.example/form/x")
    assert not sites.match("url", "https://good.example/?q=x/")
    assert _matcher("hostname", "good.example", on={"url"}).match("url", "https://user@good.example/form")
    assert not _matcher("hostname", "good.example", on={"url"}).match("url", "https://good.example@evil.test/form")


def test_a_network_is_held_within_a_network_alone() -> None:
    """A network around a listed address is not held; one that two listed networks make up is."""
    matcher = _matcher("cidr", "192.0.2.0/25", "192.0.2.128/25", "198.51.100.7", "2001:DB8::/64")
    assert matcher.match("cidr", "192.0.2.0/24")
    assert not matcher.match("cidr", "198.51.100.0/24")
    assert not matcher.match("cidr", "192.0.0.0/16")
    assert matcher.match("ipv6", "2001:db8::1")
    assert matcher.entries("ipv4", "198.51.100.7") == [Hit("list", "198.51.100.7")]
    assert matcher.entries("cidr", "192.0.2.64/26") == [Hit("list", "192.0.2.0/24")]


def test_an_entry_that_would_hold_too_much_is_passed_over_and_counted() -> None:
    """A stray top-level domain, a network of half the Internet, a substring of one letter, an expression that hangs."""
    for match, values in (
        ("hostname", ("com", ".", "", "https://good.example/x")),
        ("cidr", ("0.0.0.0/0", "::/0", "128.0.0.0/2", "nonsense")),
        ("substring", ("a", "abc", "")),
        ("regex", ("(a+)+$", "(", "(?=x)x", r"(x)\1")),
    ):
        matcher = _matcher(match, *values, *(["good.example"] if match == "hostname" else []))
        assert matcher.lists[0].refused == len(values)
        assert not matcher.match("domain", "evil.com")
        assert not matcher.match("ipv4", "192.0.2.1")


def test_what_a_person_wrote_may_be_a_top_level_domain() -> None:
    """``local`` is meant where a person wrote it."""
    matcher = _matcher("hostname", "local", least_labels=1, reach="all")
    assert matcher.match("domain", "printer.office.local")
    assert not matcher.match("domain", "local.example")


def test_names_are_compared_in_the_hubs_spelling() -> None:
    """Capitals, stars and dots around a name, and other alphabets."""
    matcher = _matcher("hostname", "*.GOOD.Example.", "日本語.example")
    assert matcher.match("domain", "x.good.example")
    assert matcher.match("domain", "xn--wgv71a119e.example")


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(.*a){20}",
        ".*.*.*=.*",
        "(a?){50}a{50}",
        "(?:(?:a*)*)*",
        "^(a|b|ab)*c",
        "(x+x+)+y",
        r"(.)\1",
    ],
)
def test_an_expression_that_could_hang_is_refused(pattern: str) -> None:
    """It is never compiled into a list, so no value can make it hang."""
    with pytest.raises(UnsafePattern):
        expression(pattern)


@pytest.mark.parametrize(
    "pattern", [r"/^(security|noc|soc|abuse)\@.*\..*$/i", r"^[a-z]{3}\d+\.example$", "mail[0-9]?", r"(\+|00)81[0-9]{9}"]
)
def test_an_expression_with_a_bound_is_taken(pattern: str) -> None:
    """As MISP writes them, too."""
    assert expression(pattern)


def test_the_worst_expression_that_is_taken_costs_little() -> None:
    """Quadratic at most on a value of the longest length; ten times the bound would be seconds."""
    worst = Matcher(compiled([Listing("list", TYPES, "name", (("regex", [r"^.*\@.*x$"]),))]))
    value = "@" * known_good_texts.LONGEST_VALUE
    start = time.process_time()
    assert not worst.match("domain", value)
    assert time.process_time() - start < 5


def test_a_url_of_before_that_would_be_refused_today_is_held_by_nothing() -> None:
    """What is stored was canonical when it came; rules that changed since must not stop publishing."""
    matcher = _matcher("hostname", "good.example", on={"url", "site"})
    assert matcher.match("url", "http://x.good.example.1x/") == 0
    assert matcher.entries("url", "http://a.1x/") == []


def test_without_lists_nothing_is_held() -> None:
    """A hub without lists asks nothing."""
    assert NOTHING.match("domain", "good.example") == 0
    assert NOTHING.entries("ipv4", "192.0.2.1") == []
