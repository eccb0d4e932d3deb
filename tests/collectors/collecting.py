"""One feed collected by one transport, again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from collectors.document import Collected
from collectors.errors import CollectError
from collectors.means import Means
from config.feeds import Feed
from config.instant import Micros
from tests.collectors.conftest import Waits


class Collecting:
    """A feed, and what a call of its collector needs besides."""

    def __init__(self, collector: Callable[..., Collected], feed: Feed, waits: Waits, now: Micros) -> None:
        self.feed = feed
        self.now = now
        self._collector = collector
        self._waits = waits

    def collect(
        self, cursor: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
    ) -> Collected:
        """Collect once; the cursor goes through JSON, as it does in the store."""
        return self._collector(
            self.feed,
            self.feed.transport,
            json.loads(json.dumps(cursor or {})),
            Means(
                clock=lambda: self.now,
                environment=environment or {},
                contact="https://hub.example/about",
                pacing=self._waits.pacing(),
            ),
        )

    def failure(
        self,
        kind: type[CollectError],
        cursor: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> CollectError:
        """Collect once, which must fail in this way."""
        with pytest.raises(CollectError) as failed:
            self.collect(cursor, environment)
        assert type(failed.value) is kind, failed.value
        return failed.value

    def fails(
        self,
        kind: type[CollectError],
        cursor: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """The message of a :meth:`failure`."""
        return str(self.failure(kind, cursor, environment))
