"""OpenTAXII's application with the one fix without which 0.9.3 answers 500 to every POST over TAXII 2.1.

Its JSON writer meets a UUID that it cannot write (OpenTAXII issue 243, mended in 0.10): here such a value is written
as its text. It is called for nothing else, so it changes no figure.
"""

from __future__ import annotations

import functools
import json
import types

import opentaxii.taxii2.http as answers  # type: ignore[import-not-found]

answers.json = types.SimpleNamespace(dumps=functools.partial(json.dumps, default=str))

from opentaxii.http import app  # type: ignore[import-not-found]  # noqa: E402

__all__ = ["app"]
