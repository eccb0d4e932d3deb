"""How the hub's processes use memory: measured, and the same for all of them."""

from __future__ import annotations

import gc
import os


def lean() -> None:
    """Have the processes that are started from here on give memory back.

    glibc keeps an arena of memory for each of a process's threads, which for a hub's processes came to a third of all
    that they held.
    """
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "131072")


def seldom_collect() -> None:
    """Have Python look for cycles seldom, and never among what was there at the start.

    A batch of claims is thousands of tuples in no cycle; looking through them all again and again took a third of the
    time of a first collection.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
