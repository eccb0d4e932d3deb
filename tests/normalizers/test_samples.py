"""The demonstration's samples: real formats, reserved names, dates of late."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from config.instant import DAY, HOUR, Millis, from_datetime
from config.loading import shipped
from config.samples import render, write_samples
from normalizers import hosts
from normalizers.claims import Claim
from normalizers.urls import host_of
from tests.normalizers.reading import Read, document, feed, read_all

NOW: Millis = from_datetime(datetime(2027, 1, 31, 20, 0, tzinfo=UTC))
#: Of RFC 2606 and RFC 6761, and the label that JPRS reserves under .jp, for examples.
RESERVED = ("example", "example.com", "example.net", "example.org", "example.jp", "example.lg.jp")
NETWORKS = [
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


def feed_of(path: Path) -> str:
    """The feed whose sample it is."""
    return "jpcert-phishurl-list" if path.name.startswith("jpcert-phishurl-list") else path.stem


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every sample, rendered."""
    return {feed_of(path): path for path in write_samples(tmp_path_factory.mktemp("samples"), NOW)}


@cache
def became(path: Path) -> Read:
    """What a sample becomes."""
    return read_all(document(path.read_bytes(), path.name, fetched=NOW, modified=NOW), feed(feed_of(path)))


def test_every_shipped_feed_has_a_sample(samples: dict[str, Path]) -> None:
    """The demonstration shows all of them."""
    assert set(samples) == {path.stem for path in shipped("feeds").glob("*.yaml")}


def test_samples_are_read_and_have_bad_rows_too(samples: dict[str, Path]) -> None:
    """Each has twelve rows or more; most of them are good, and all but two feeds have some that are not."""
    for path in samples.values():
        result = became(path)
        assert result.rows >= 12
        assert len(result.refused) * 2 < result.rows
    assert sum(bool(became(path).refused) for path in samples.values()) >= 10


def test_samples_are_of_late(samples: dict[str, Path]) -> None:
    """Nothing is from the future, and but for the phishing list nothing is over when first read."""
    for name, path in samples.items():
        for claim in became(path).claims:
            assert claim.version <= NOW
            assert claim.last_seen <= NOW
            assert claim.ends > NOW - HOUR or claim.withdrawn or name == "jpcert-phishurl-list"


def _reserved(claim: Claim) -> bool:
    if claim.type == "advisory" and "://" not in claim.value:
        return "-2099-" in claim.value  # an id of a year that is not yet given
    if claim.type in ("url", "advisory"):
        kind, host = host_of(claim.value)
        return _reserved_host(kind, host)
    if claim.type in ("domain", "ipv4", "ipv6"):
        return _reserved_host(claim.type, claim.value)
    if claim.type == "cidr":
        network = ipaddress.ip_network(claim.value)
        return any(network.version == one.version and network.subnet_of(one) for one in NETWORKS)  # type: ignore[arg-type]
    return True


def _reserved_host(kind: str, host: str) -> bool:
    if kind == "domain":
        return any(host == name or host.endswith(f".{name}") for name in RESERVED)
    return any(ipaddress.ip_address(host) in network for network in NETWORKS)


def test_samples_name_only_what_is_reserved(samples: dict[str, Path]) -> None:
    """Hosts are of RFC 2606, RFC 6761, example.jp and example.lg.jp, addresses of RFC 5737 and RFC 3849."""
    for path in samples.values():
        # where a feed's file names the page of each document itself, only the demonstration names another
        page = str(feed(feed_of(path)).format.get("page", "")).replace("{name}", path.name)
        for claim in became(path).claims:
            assert _reserved(claim) or claim.value == page, claim.value


def test_samples_overlap(samples: dict[str, Path]) -> None:
    """There is something to merge: a URL of four feeds, an address of three, a vulnerability of four."""
    origins: dict[bytes, set[str]] = {}
    for path in samples.values():
        for claim in became(path).claims:
            origins.setdefault(claim.key, set()).add(claim.origin)
    assert sum(len(found) >= 2 for found in origins.values()) >= 10
    assert max(len(found) for found in origins.values()) >= 4


def test_samples_are_written_once(tmp_path: Path) -> None:
    """A later start, even in another month, leaves what is there alone, and adds what was lost."""
    first = write_samples(tmp_path, NOW)
    assert {path.name for path in first} == {path.name for path in tmp_path.iterdir()}
    (tmp_path / "openphish.txt").write_text("mine\n")
    (tmp_path / "urlhaus.csv").unlink()
    assert [path.name for path in write_samples(tmp_path, NOW + 40 * DAY)] == ["urlhaus.csv"]
    assert (tmp_path / "openphish.txt").read_text() == "mine\n"


def test_the_month_in_a_name_is_japans(tmp_path: Path) -> None:
    """At 20:00 UTC on the last of January it is February in Japan."""
    assert tmp_path / "jpcert-phishurl-list-202702.csv" in write_samples(tmp_path, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{0|%Y-%m-%d %H:%M:%S}}", "2027-01-31 20:00:00"),
        ("{{-2h|%H:%M}}", "18:00"),
        ("{{-1d12h JST|%Y/%m/%d %H:%M:%S}}", "2027/01/30 17:00:00"),
        ("{{+30m|%H:%M}}", "20:30"),
        ("{{0|epoch}} {{-1s|epoch_ms}}", f"{NOW // 1_000} {NOW - 1_000}"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ],
)
def test_placeholders(text: str, expected: str) -> None:
    """An offset, a zone and a form; everything else stays."""
    assert render(text, NOW) == expected


@pytest.mark.parametrize("text", ["{{soon|%Y}}", "{{-2x|%Y}}", "{{2h|%Y}}", "{{-1h CET|%Y}}"])
def test_placeholders_that_are_none(text: str) -> None:
    """A mistake in a sample is an error, not a date."""
    with pytest.raises(ValueError, match="placeholder"):
        render(text, NOW)


def test_hosts_need_no_public_suffix() -> None:
    """Names under reserved top level domains are names."""
    assert hosts.name("login.sample-bank.example") == "login.sample-bank.example"
