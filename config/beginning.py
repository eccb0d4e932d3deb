"""A hub's first configuration file: the shipped hub.yaml, with a name, a namespace and collection ids of its own."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable

from config.loading import shipped
from config.settings import Hub

_HEAD = """\
# A hub's configuration, made by `noroshi init`. Start it with: noroshi up --config THIS-FILE
# Every key is explained in docs/settings.md of Noroshi; an unknown one is an error. After a change, restart the hub.
"""
_COLLECTION = re.compile(r"^( +- id: )\S+$", re.MULTILINE)


def new_hub(name: str | None = None, title: str | None = None, contact: str | None = None) -> Hub:
    """Who runs a new hub, with a fresh namespace and what was not given in keeping with it.

    Raises pydantic's ValidationError.
    """
    namespace = uuid.uuid4()
    name = name or f"hub-{namespace.hex[:8]}"
    return Hub(name=name, title=title or f"Indicator sharing hub {name}", namespace=namespace, contact=contact)


def first_file(hub: Hub, new_id: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """The YAML text of that hub's configuration, ready to run: the shipped one's groups, API roots and feeds.

    A collection's id identifies it universally (TAXII 2.1 section 5.2), so each gets a new one.
    """
    text = shipped("hub.yaml").read_text(encoding="utf-8")
    text = _HEAD + text[text.index("hub:\n") :]
    for key, value in (("name", hub.name), ("namespace", str(hub.namespace)), ("title", hub.title)):
        text = _set(text, key, value)
    for key in ("contact", "collector_contact"):
        text = _set(text, key, hub.contact) if hub.contact else _left_open(text, key)
    return _COLLECTION.sub(lambda line: f"{line[1]}{new_id()}", text)


def _set(text: str, key: str, value: str) -> str:
    """The text with another value where the key stands first; a JSON string is a YAML one."""
    said = json.dumps(value, ensure_ascii=False)
    return re.sub(rf"^( *{key}: ).*$", lambda line: line[1] + said, text, count=1, flags=re.MULTILINE)


def _left_open(text: str, key: str) -> str:
    return re.sub(rf"^( *){key}: .*$", rf"\1# {key}: soc@hub.example", text, count=1, flags=re.MULTILINE)
