"""Runs commands, each in a process of its own, in a trouble that only a process can be in; prints how each ended.

Loaded once and forked for each command, because loading the hub takes longer than most commands do.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys

from taxii_server.cli.main import run


def _closed_output() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


def _full_output() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def _full_disk() -> None:
    # Further than this no file grows, and the write fails as it does on a full disk.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))


TROUBLES = {"closed output": _closed_output, "full output": _full_output, "full disk": _full_disk}


def main() -> None:
    """Of each command in standard input, print the exit code and what it wrote to standard error."""
    trouble = TROUBLES[sys.argv[1]]
    for name, arguments in json.load(sys.stdin).items():
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            os.dup2(writer, 2)
            os.close(writer)
            trouble()
            sys.argv = ["noroshi", *arguments]
            run()
            return
        os.close(writer)
        with os.fdopen(reader) as stream:
            said = stream.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps([name, os.waitstatus_to_exitcode(status), said]), flush=True)


if __name__ == "__main__":
    main()
