"""Hearing signals in a process whose main thread only waits.

Python runs its signal handlers in the main thread, which a signal is meant to wake. When two arrive at once (Ctrl-C
reaches a whole process group, and its parent then passes the word on), the kernel may let another thread take both, and
a main thread that waits for a lock sleeps on: the process then has to be killed. So it is nudged now and then.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

#: Seconds between two nudges: the longest that a signal goes unheard.
EVERY = 0.5


def keep_hearing(each_time: Callable[[], None] | None = None) -> None:
    """Nudge this thread, which has to be the main one, as long as the process lives; ``each_time`` is called too."""
    signal.signal(signal.SIGURG, _wake)
    thread = threading.Thread(target=_nudge, args=(threading.get_ident(), each_time), name="hearing", daemon=True)
    thread.start()


def _wake(number: int, frame: object) -> None:
    """Nothing: being called is the point. The handlers of other signals run in the same breath."""


def _nudge(main: int, each_time: Callable[[], None] | None) -> None:
    never = threading.Event()
    while not never.wait(EVERY):
        signal.pthread_kill(main, signal.SIGURG)
        if each_time is not None:
            each_time()
