"""The known-good lists that ship, through a whole hub: what feeds name by mistake, and what only looks like that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.feeds import Feed
from config.known_good import KnownGood
from config.loading import load, shipped
from config.settings import Settings
from normalizers.claims import observable_key
from normalizers.known_good import Matcher
from taxii_server import lists
from taxii_server.lists import ListError
from taxii_server.stores import open_store
from taxii_server.worker import Worker
from tests.hubs import BLOCKING, PUBLIC, SteppingClock
from tests.hubs import settings as hub_settings
from tests.ingest.test_known_good import indicators

SHIPPED = load(shipped("hub.yaml")).known_good
NOW = 1_790_000_000_000
EICAR = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"

#: what a feed says -> what becomes of it: dropped, or the labels of lists that it is published with
FATE: dict[str, tuple[str, ...] | str] = {
    # The false positives that ship in real feeds.
    "www.update.microsoft.com": "dropped",
    "1.0.0.1": "dropped",
    "api.telegram.com": ("top-sites-beneath",),
    "192.168.5.145": "refused",
    "127.0.0.1": "refused",
    "10.170.0.16": "refused",
    # The whole of a popular site, and what only lies there.
    "google.com": "dropped",
    "https://www.google.com/": "dropped",
    "https://docs.google.com/forms/d/e/1x/viewform": (),
    "docs.google.com": "dropped",
    "github.io": "dropped",
    "s3.amazonaws.com": "dropped",
    "https://s3.amazonaws.com/bucket-of-ours/kit.zip": (),
    "bucket-of-ours.s3.amazonaws.com": (),
    "tunnel-of-ours.trycloudflare.com": (),
    "qrco.de": "dropped",
    "https://qrco.de/AbCdEf": (),
    "phisher-of-ours.github.io": (),
    "kit-7.blob.core.windows.net": (),
    "c2-of-ours.duckdns.org": (),
    "https://t.co/AbCdEf": (),
    # Names that look like good ones.
    "google.com.evil.example": (),
    "rakuten.co.jp.evil.example": (),
    "myrakuten.co.jp": (),
    # Japan.
    "www.rakuten.co.jp": "dropped",
    "https://www.rakuten.co.jp/redirect?to=x": ("japan-brands-urls",),
    "www.office.go.jp": "dropped",
    "town.prefecture.lg.jp": "dropped",
    "https://www.office.go.jp/uploads/kit.zip": ("japan-government-urls",),
    # Addresses that many share, and that belong to a cloud.
    "104.16.1.1": ("cdn",),
    "52.95.110.1": ("cloud",),
    "8.8.8.8": "dropped",
    # The rest.
    EICAR: "dropped",
    "abuse@provider.example": "dropped",
    "printer.office.local": "dropped",
    "bad.example": (),
    "203.0.113.7": (),
    "198.51.100.0/24": (),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lists are kept compiled: once for all tests here."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def hub(data: Path) -> Any:
    """A hub that collected one feed, on a real store."""
    feed = Feed.model_validate(
        {
            "id": "feed-a",
            "title": "Feed",
            "carries": "All sorts",
            "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
            "transport": {"kind": "file", "path": "list.txt"},
            "format": {"kind": "text", "type": "any"},
            "marking": "TLP:CLEAR",
            "share": "public",
            "reliability": 100,
            "kind": "list",
        }
    )
    (data / "list.txt").write_text("\n".join(FATE), encoding="utf-8")
    worker = _worker(data, feed)
    worker.tick()
    worker.tick()

    class Seen:
        """What tests/ingest/test_known_good.py asks of a hub."""

        store = worker.publisher.store
        state = worker.publisher.store.feed_state("feed-a")

        def objects(self, collection: str, kind: str) -> list[dict[str, Any]]:
            """The objects of a collection."""
            import orjson

            from taxii_server.stores.base import Selection

            page = self.store.page(collection, Selection(limit=1_000, types=frozenset([kind])))
            return [orjson.loads(entry.body) for entry in page.entries]

    yield Seen()
    worker.publisher.store.close()


def _worker(data: Path, feed: Feed) -> Worker:
    raw = hub_settings(feeds=[feed.model_dump()]).model_dump()
    made = Settings.model_validate({**raw, "known_good": [item.model_dump() for item in SHIPPED]})
    made = made.model_copy(update={"data": data, "store": "sqlite:hub.db"})
    return Worker(made, open_store(made.store, made.data), SteppingClock(NOW * 1_000), "me", {})


@pytest.mark.parametrize("value", FATE)
def test_what_becomes_of_a_value(hub: Any, value: str) -> None:
    """It is refused, kept out, published with the lists that hold it, or published as if there were none."""
    found = indicators(hub, PUBLIC).get(value)
    fate = FATE[value]
    if isinstance(fate, str):
        assert found is None
    else:
        assert found is not None
        prefix = "ais-jp:known-good="
        labels = tuple(label.removeprefix(prefix) for label in found["labels"] if label.startswith(prefix))
        assert labels == fate


PLATFORMS = ("docs.google.com", "s3.amazonaws.com", "github.io", "qrco.de")


@pytest.mark.parametrize("host", PLATFORMS)
def test_q_u7_shared_platforms_give_no_domain(hub: Any, host: str) -> None:
    """The hub knows that a feed names the platform's own host, as it knows what lies there; only the latter becomes an
    indicator, whether it is a URL or a name beneath."""
    told = indicators(hub, PUBLIC)
    assert hub.store.claims([observable_key("domain", host)])
    assert host not in told
    assert any(name.endswith(f".{host}") or f"//{host}/" in name for name in told)


def test_what_is_refused_is_refused_before_any_list(hub: Any) -> None:
    """Private addresses never become claims."""
    assert hub.state.refused == {"special-purpose": sum(fate == "refused" for fate in FATE.values())}


def test_what_is_lowered_is_not_for_blocking(hub: Any) -> None:
    """What a list made unsure is in no collection for blocking."""
    lowered = {"api.telegram.com", "104.16.1.1", "https://www.rakuten.co.jp/redirect?to=x"}
    assert not lowered & indicators(hub, BLOCKING).keys()
    assert {"bad.example", "52.95.110.1"} <= indicators(hub, BLOCKING).keys()


@pytest.mark.parametrize("item", SHIPPED, ids=lambda item: item.id)
def test_a_list_that_ships_holds_something_and_says_why(data: Path, item: KnownGood, hub: Any) -> None:
    """Each list has entries, few that cannot be matched, and a reason."""
    held = next(one for one in _matcher(data).lists if one.id == item.id)
    assert held.entries
    assert held.refused * 50 <= held.entries
    assert item.why
    assert item.action != "drop" or held.on.isdisjoint({"url"}) or item.id == "special-names"


def _matcher(data: Path) -> Matcher:
    made = hub_settings(known_good=[item.model_dump() for item in SHIPPED]).model_copy(update={"data": data})
    return lists.load(made)


def test_what_is_kept_compiled_is_what_was_compiled(data: Path, tmp_path: Path, hub: Any) -> None:
    """Read back, the lists hold the same; damaged, they are compiled again."""
    made = hub_settings(known_good=[item.model_dump() for item in SHIPPED[:4]]).model_copy(update={"data": tmp_path})
    first = lists.load(made)
    (path,) = (tmp_path / "known-good").iterdir()
    whole = path.read_bytes()
    assert lists.kept(made, path.stem) == first._compiled
    for damage in (whole[:-1], b"", whole[:50] + b"x" + whole[51:], b"\xff" * 40):
        path.write_bytes(damage)
        assert lists.kept(made, path.stem) is None
        assert lists.load(made)._compiled == first._compiled
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"warninglists": ["nothing"]}, "a warninglist of pymispwarninglists such as tranco10k, got 'nothing'"),
        ({"warninglists": ["../lists/tranco10k"]}, "expected a warninglist"),
        ({"file": "/nowhere/at-all.txt"}, "known-good list own: expected a file, and there is none at"),
    ],
)
def test_a_list_that_is_not_there_is_said(tmp_path: Path, item: dict[str, Any], said: str) -> None:
    """Which list, what was given, what was expected."""
    own = {"id": "own", "title": "Own", "action": "drop", **item}
    made = hub_settings(known_good=[own]).model_copy(update={"data": tmp_path})
    with pytest.raises(ListError, match=said.replace("(", r"\(")):
        lists.load(made)
