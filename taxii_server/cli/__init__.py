"""The command ``noroshi``. A command parses, calls one function and shows the result."""

from __future__ import annotations

from taxii_server.cli.main import main

__all__ = ["main"]
