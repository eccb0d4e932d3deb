"""Whole documents of the shipped feeds, each beside what has to come of it. A new case is a new pair of files.

``tests/fixtures/FEED/NAME.EXT`` is the document, ``NAME.expected.json`` says what becomes of it: ``fetched``, and
either ``rows``, ``claims`` and ``refused``, or ``unreadable``, a part of the error. Beside ``feed.yaml`` they are of
that feed, one of somebody's own. After a wanted change
``NOROSHI_FIXTURES=write pytest tests/normalizers/test_fixtures.py`` writes them anew; read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from config.feeds import Feed
from config.instant import parse_millis, stix_time
from config.loading import load_feed
from normalizers.claims import Claim
from normalizers.reading import check
from normalizers.records import UnreadableDocument
from tests.normalizers.reading import document, feed, read_all

_FIXTURES = Path(__file__).parents[1] / "fixtures"
_CASES = sorted(_FIXTURES.glob("*/*.expected.json"))
_WRITE = os.environ.get("NOROSHI_FIXTURES") == "write"


def _shown(claim: Claim) -> dict[str, Any]:
    """A claim as the expectation files have it: texts for instants, and nothing that is empty."""
    said = claim._asdict()
    for name in ("version", "first_seen", "last_seen", "withdrawn"):
        said[name] = stix_time(said[name]) if said[name] else 0
    said["detail"] = orjson.loads(claim.detail) if claim.detail else {}
    said["references"] = [list(reference) for reference in claim.references]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if value}


def _feed(folder: Path) -> Feed:
    """The feed whose documents lie there: one of its own that is beside them, or the shipped one of that name."""
    own = folder / "feed.yaml"
    return load_feed(own) if own.is_file() else feed(folder.name)


def _became(path: Path, expected: dict[str, Any]) -> dict[str, Any]:
    (given,) = (one for one in path.parent.glob(path.name.replace(".expected.json", ".*")) if one != path)
    source = _feed(path.parent)
    made = document(given.read_bytes(), given.name, fetched=parse_millis(expected["fetched"]))
    if "unreadable" in expected:
        with pytest.raises(UnreadableDocument) as refused:
            check(made, source)
        assert expected["unreadable"] in str(refused.value)
        return expected
    result = read_all(made, source)
    return {
        "fetched": expected["fetched"],
        "rows": result.rows,
        "claims": [_shown(claim) for claim in result.claims],
        "refused": [[refusal.line, refusal.reason] for refusal in result.refused],
    }


@pytest.mark.parametrize("path", _CASES, ids=[f"{case.parent.name}/{case.name[:-14]}" for case in _CASES])
def test_documents_become_what_is_expected(path: Path) -> None:
    """Bytes in; these claims and refusals out, in this order."""
    expected = json.loads(path.read_bytes())
    became = _became(path, expected)
    if _WRITE:
        path.write_text(json.dumps(became, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert became == expected or _WRITE


def test_every_shipped_feed_has_a_document() -> None:
    """No feed ships without a document of its real form to show what it becomes."""
    from config.loading import shipped

    assert {path.stem for path in shipped("feeds").glob("*.yaml")} <= {case.parent.name for case in _CASES}


@pytest.mark.parametrize("kind", ["text", "csv", "json"])
def test_a_feed_of_ones_own_is_one_yaml_file_and_two_fixture_files(kind: str) -> None:
    """A plain list, a CSV feed and a JSON feed take no Python: these three files are all there is of each."""
    folder = _FIXTURES / f"own-{kind}"
    names = sorted(path.name for path in folder.iterdir())
    assert [name for name in names if name.endswith((".yaml", ".expected.json"))] == [
        "document.expected.json",
        "feed.yaml",
    ]
    assert len(names) == 3
    assert _feed(folder).format["kind"] == kind
    assert json.loads((folder / "document.expected.json").read_bytes())["claims"]
