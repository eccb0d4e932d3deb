"""The yardstick: the least Flask and SQLite that answers the requests of the benchmark. Its file: BENCH_DATABASE."""

from __future__ import annotations

import os
import sqlite3
import threading

import orjson
from flask import Flask, Response, request

from benchmarks.served import entries
from config.instant import parse_micros, system_clock, taxii_time

MEDIA = "application/taxii+json;version=2.1"
app = Flask(__name__)
_own = threading.local()


def _database() -> sqlite3.Connection:
    connection: sqlite3.Connection | None = getattr(_own, "connection", None)
    if connection is None:
        connection = _own.connection = entries.connect(os.environ["BENCH_DATABASE"])
    return connection


@app.get("/bench/collections/one/objects/")
def objects() -> Response:
    """A page of the collection."""
    asked = request.args
    limit = min(int(asked.get("limit", 1_000)), 10_000)
    if "next" in asked:
        after = int(asked["next"])
    else:
        after = parse_micros(asked["added_after"]) if "added_after" in asked else 0
    kind = asked.get("match[type]")
    if kind is None:
        rows = _database().execute(entries.PAGE, (after, limit + 1)).fetchall()
    else:
        rows = _database().execute(entries.PAGE_OF_TYPE, (kind, after, limit + 1)).fetchall()
    return _envelope(rows, limit)


@app.get("/bench/collections/one/objects/<stix_id>/")
def one(stix_id: str) -> Response:
    """One object."""
    rows = _database().execute(entries.BY_ID, (stix_id,)).fetchall()
    return _envelope(rows, 1) if rows else Response(b"{}", 404, content_type=MEDIA)


@app.post("/bench/collections/one/objects/")
def add() -> Response:
    """Add an envelope in one transaction; nothing is validated."""
    received = orjson.loads(request.get_data())["objects"]
    database = _database()
    database.execute("BEGIN IMMEDIATE")
    place = max(database.execute("SELECT max(place) FROM entries").fetchone()[0] or 0, system_clock())
    rows = [(place + n, item["id"], item["type"], orjson.dumps(item)) for n, item in enumerate(received, 1)]
    database.executemany(entries.ADD, rows)
    database.execute("COMMIT")
    return Response(b'{"status":"complete"}', 202, content_type=MEDIA)


def _envelope(rows: list[tuple[int, bytes]], limit: int) -> Response:
    if not rows:
        return Response(b"{}", content_type=MEDIA)
    start = b'{"objects":['
    if len(rows) > limit:
        rows.pop()
        start = b'{"more":true,"next":"%d","objects":[' % rows[-1][0]
    body = start + b",".join([row[1] for row in rows]) + b"]}"
    dates = {
        "X-TAXII-Date-Added-First": taxii_time(rows[0][0]),
        "X-TAXII-Date-Added-Last": taxii_time(rows[-1][0]),
    }
    return Response(body, headers=dates, content_type=MEDIA)
