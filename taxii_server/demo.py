"""The demonstration: sample feeds with dates of today, users with known passwords, and what to try first."""

from __future__ import annotations

import sys
from pathlib import Path

from config.instant import Clock
from config.roots import ANYONE
from config.samples import write_samples
from config.settings import Settings
from taxii_server.credentials import hash_password
from taxii_server.stores.base import AuditRecord, Store, User

#: Known to everybody, so the demonstration listens on the loopback address alone.
PASSWORD = "smoke-signal"  # noqa: S105
USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "soc": ("Example Power SOC", ("members",)),
    "analyst": ("Example Bank", ("members", "publishers")),
    "operator": ("Example Hub", ("operators",)),
}


def prepare(settings: Settings, store: Store, clock: Clock) -> None:
    """Write the samples and add the users, if they are not there."""
    now = clock() // 1_000
    write_samples(settings.data / "samples", now)
    for name, (organisation, groups) in USERS.items():
        if store.user(name) is None:
            user = User(
                name=name, organisation=organisation, groups=groups, password=hash_password(PASSWORD), created=now
            )
            detail = {"groups": list(groups), "organisation": organisation}
            store.save_user(user, AuditRecord(now, "demonstration", "add user", name, detail))


def banner(settings: Settings, base: str, config: Path, *, demonstration: bool) -> str:
    """What a person at the terminal needs first."""
    lines = [settings.hub.title, f"  TAXII discovery  {base}/taxii2/"]
    public = next(
        (
            f"{base}/{root.path}/collections/{item.alias or item.id}/objects/?limit=2"
            for root in settings.api_roots
            for item in root.collections
            if ANYONE in item.read and "indicator" in (item.narrow.types or ("indicator",))
        ),
        None,
    )
    if public:
        lines.append(f"  try              curl -s '{public}&match[type]=indicator' --globoff")
    if demonstration:
        lines.append("  users            " + ", ".join(f"{name} ({who})" for name, (who, _) in USERS.items()))
        lines.append(f"  password         {PASSWORD}")
        lines.append(f"  as a member      curl -s -u soc:{PASSWORD} {base}/members/collections/")
        lines.append(f"  other commands   export NOROSHI_CONFIG={config} NOROSHI_DATA={settings.data}")
        lines.append(f"                   {sys.argv[0]} feeds list")
    lines.append("  Ctrl-C stops the hub; the data stays in " + str(settings.data))
    return "\n".join(lines)
