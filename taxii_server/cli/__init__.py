"""The command ``noroshi``. A command parses, calls one function and shows the result."""

from __future__ import annotations

import signal

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    # Loading it takes a moment, in which Ctrl-C ends the process as it ends any other program, without a word.
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from taxii_server.cli.main import run

    signal.signal(signal.SIGINT, interrupt)
    run()
