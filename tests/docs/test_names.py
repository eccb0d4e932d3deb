"""The examples in docs/names.md are what the code does."""

from __future__ import annotations

import re

from normalizers.names import understood
from tests.docs import pages

PAGE = "docs/names.md"
SECTION = next(item for item in pages.sections(PAGE) if item.title == "How a word is looked up")
_BECOMES = re.compile(r"((?:`[^`]+`(?:, )?)+) → ([^,;|]+)")


def test_examples_hold() -> None:
    """Words become the name that the page says, as tags or as malware."""
    found = [
        (word, name.strip())
        for row in pages.rows(SECTION)
        for words, name in _BECOMES.findall(row[1])
        for word in re.findall("`([^`]+)`", words)
    ]
    assert len(found) >= 8
    for word, name in found:
        tag, family = understood([word], ()), understood((), [word])
        assert name in {*tag.malware, *dict(tag.detail).get("actors", ()), *family.malware}, word


def test_what_names_nothing_names_nothing() -> None:
    """The tags that the page says are left as they are."""
    cells = [row[1] for row in pages.rows(SECTION) if "→" not in row[1] and row[1]]
    tags = [tag for cell in cells for tag in re.findall("`([^`]+)`", cell)]
    assert {"Play", "Carbanak"} <= set(tags)
    for tag in tags:
        said = understood([tag], ())
        assert (said.labels, said.malware, said.detail) == ((tag,), (), ())
