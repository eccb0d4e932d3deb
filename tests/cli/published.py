"""Commands on a hub whose publisher is another process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from config.instant import Millis, system_clock
from config.loading import load
from normalizers.claims import Claim
from taxii_server.cli.main import noroshi
from taxii_server.jobs import Jobs
from taxii_server.opening import open_hub
from taxii_server.publishing import Publisher
from taxii_server.stores.base import ClaimRow
from tests.hubs import settings
from tests.processes import write_config


def hub_of(folder: Path, domains: Iterable[str], life: Millis, **changes: Any) -> list[str]:
    """What commands are told of a hub that has published these, which one feed says to all."""
    path = write_config(folder, {**settings().model_dump(mode="json"), "store": "sqlite:hub.db", **changes})
    store = open_hub(load(path))
    now = system_clock() // 1_000
    said = [Claim("domain", name, "a", "a", "clear", now, now, now, life, 50) for name in domains]
    store.put_claims([ClaimRow(claim.key, claim) for claim in said])
    store.close()
    publish(path)
    return ["--config", str(path)]


def publish(path: Path) -> None:
    """As the running hub does."""
    made = load(path)
    store = open_hub(made)
    publisher = Publisher(made, store, system_clock, "test")
    Jobs(publisher).settle()
    publisher.publish_all()
    store.close()


def run(hub: list[str], *arguments: str) -> Result:
    """A command."""
    return CliRunner().invoke(noroshi, [*arguments, *hub])


def found(hub: list[str], *arguments: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(run(hub, *arguments, "--json").stdout)
