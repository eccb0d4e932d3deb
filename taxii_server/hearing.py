"""Hearing signals in a process with many threads.

Python runs its signal handlers in the main thread, between two of its steps. What a handler calls must need no lock
that the main thread may hold at that moment. An event that it waits for is such a lock: a second Ctrl-C, setting it
just as the first one wakes it, would wait for itself for ever. So nothing is done in handlers here: a thread of its own
reads which signals came (the pipe of :func:`signal.set_wakeup_fd`), and acts on them.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterable

#: Seconds between two nudges: the longest that a signal goes unheard.
EVERY = 0.5


def hear(
    numbers: Iterable[signal.Signals], heed: Callable[[], None], each_time: Callable[[], None] | None = None
) -> None:
    """From now on ``heed`` is called, in a thread of its own, whenever one of these signals comes.

    ``each_time`` is called there every half second. To be called in the main thread. Whoever sets another handler for
    one of the signals later sets it in vain, as long as it is one in Python.
    """
    heard = frozenset(numbers)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in heard:
        signal.signal(number, nothing)
    told = (reading, heard, heed, each_time)
    threading.Thread(target=_hear, args=told, name="hearing", daemon=True).start()


def nothing(number: int, frame: object) -> None:
    """Handle a signal that is heard otherwise, or whose only use is that it wakes."""


def _hear(reading: int, heard: frozenset[int], heed: Callable[[], None], each_time: Callable[[], None] | None) -> None:
    while True:
        came, _, _ = select.select([reading], [], [], EVERY)
        if came and heard.intersection(os.read(reading, 4_096)):
            heed()
        if each_time is not None:
            each_time()


def keep_hearing(each_time: Callable[[], None]) -> None:
    """Nudge this thread, which has to be the main one, as long as the process lives; ``each_time`` is called too.

    For a process whose handlers are another's (granian's): the kernel may let another thread take a signal, and a main
    thread that waits for a lock then sleeps on.
    """
    signal.signal(signal.SIGURG, nothing)
    thread = threading.Thread(target=_nudge, args=(threading.get_ident(), each_time), name="hearing", daemon=True)
    thread.start()


def _nudge(main: int, each_time: Callable[[], None]) -> None:
    never = threading.Event()
    while not never.wait(EVERY):
        signal.pthread_kill(main, signal.SIGURG)
        each_time()
