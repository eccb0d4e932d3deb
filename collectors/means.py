"""What every collector is handed besides a feed and its cursor."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from config.instant import Clock, Millis


@dataclass(frozen=True, kw_only=True, slots=True)
class Pacing:
    """How tries are spaced; a test passes its own."""

    sleep: Callable[[float], None] = time.sleep
    #: from 0 up to 1
    random: Callable[[], float] = random.random
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What every collector is handed. None of it is of one feed."""

    clock: Clock
    #: has the secrets of feeds, by the names that their files say
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: where publishers find whom to ask; none where it is empty
    contact: str = ""
    #: where relative paths of files start
    data: Path = Path()
    pacing: Pacing = Pacing()

    def now(self) -> Millis:
        """The time, in milliseconds."""
        return self.clock() // 1_000

    @property
    def user_agent(self) -> str:
        """``noroshi/VERSION (+CONTACT)``, so that a publisher knows whom to ask."""
        try:
            number = version("noroshi")
        except PackageNotFoundError:
            number = "0"
        safe = "".join(char for char in self.contact if char.isascii() and char.isprintable() and char not in "()\\")
        return f"noroshi/{number} (+{safe})" if safe else f"noroshi/{number}"
