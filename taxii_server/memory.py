"""How the hub's processes use memory: measured, and the same for all of them (docs/serving.md)."""

from __future__ import annotations

import ctypes
import gc

#: What mallopt(3) is told. M_ARENA_MAX: glibc keeps an arena for each thread, which came to a third of all that a hub
#: held. M_MMAP_THRESHOLD, in bytes: above it a piece is given back once it is freed, as the 19 MB of a password check.
_MALLOC = {-8: 2, -3: 4 * 1024 * 1024}


def lean() -> None:
    """Have this process keep less of what it frees. To be called before it starts threads."""
    for parameter, value in _MALLOC.items():
        _glibc("mallopt", parameter, value)


def give_back() -> None:
    """Give back now what was freed: glibc gives back only what lies at the end, and large envelopes leave holes.

    Takes a millisecond, some more when there is much to give, without Python's lock.
    """
    _glibc("malloc_trim", 0)


def _glibc(name: str, *given: int) -> None:
    """Call a function that glibc alone has; other C libraries have no need of it."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return
    function(*given)


def seldom_collect() -> None:
    """Have Python look for cycles seldom, and never among what was there at the start.

    A batch of claims is thousands of tuples in no cycle; looking through them all again and again took a third of the
    time of a first collection.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
