-- Version 1 of a hub's store.
--
-- Wide rows stand in tables that only grow at their end. What has to be found by a random key (an observable's, an
-- object's UUID) has a narrow index beside it, and that in two levels: new keys go to a small "recent" table, which
-- now and then moves into the big "settled" one in one sorted pass. A batch of random keys then touches some hundred
-- pages of the write-ahead log, where one B-tree would have it rewrite a page for nearly every row.

-- how many rows each recent table has taken since it last moved
CREATE TABLE settling (name TEXT PRIMARY KEY, pending INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO settling VALUES ('claim', 0), ('listing', 0), ('object', 0);

-- scopes and object types, which other tables name by number
CREATE TABLE word (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

------------------------------------------------------------------------ claims

CREATE TABLE claim (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    audience TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL                  -- normalizers.claims.encode
);
CREATE TABLE claim_recent (key BLOB, id INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE TABLE claim_settled (key BLOB, id INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID;

-- what full lists hold. A recent row hides the settled one; without a renew_at it says that the value left the list
CREATE TABLE listing_recent (
    origin TEXT, key BLOB, audience TEXT, renew_at INTEGER, PRIMARY KEY (origin, key, audience)
) WITHOUT ROWID;
CREATE INDEX listing_recent_due ON listing_recent (origin, renew_at) WHERE renew_at IS NOT NULL;
CREATE TABLE listing_settled (
    origin TEXT, key BLOB, audience TEXT, renew_at INTEGER NOT NULL, PRIMARY KEY (origin, key, audience)
) WITHOUT ROWID;
CREATE INDEX listing_settled_due ON listing_settled (origin, renew_at);

CREATE TABLE dirty (number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, audience TEXT NOT NULL);
CREATE TABLE waiting (until INTEGER, key BLOB, audience TEXT, PRIMARY KEY (until, key, audience)) WITHOUT ROWID;

------------------------------------------------------------------------ objects and logs

CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,             -- word
    type INTEGER NOT NULL,              -- word
    key BLOB NOT NULL,
    generation INTEGER NOT NULL,
    created TEXT NOT NULL,
    version TEXT NOT NULL,
    digest BLOB NOT NULL,
    revoked INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    owner TEXT NOT NULL,
    places BLOB NOT NULL                -- see places.py
);
CREATE TABLE object_recent (uuid BLOB, id INTEGER, PRIMARY KEY (uuid, id)) WITHOUT ROWID;
CREATE TABLE object_settled (uuid BLOB, id INTEGER, PRIMARY KEY (uuid, id)) WITHOUT ROWID;

-- last: the largest date_added ever given, which is why it is kept and not looked up in the log
CREATE TABLE collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL DEFAULT 0);
-- a row for each backup that was put in a store's place: no date up to its floor is given any more
CREATE TABLE restored (floor INTEGER NOT NULL);
CREATE TABLE tally (
    collection INTEGER, type INTEGER, latest INTEGER NOT NULL, superseded INTEGER NOT NULL,
    PRIMARY KEY (collection, type)
) WITHOUT ROWID;

-- Each collection has two logs: 2 * collection holds the latest version of every object, and the next number the
-- superseded ones. So a page of latest versions is a plain range, however many versions were superseded.
CREATE TABLE entry (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,               -- date_added, microseconds
    type INTEGER NOT NULL,              -- word
    object INTEGER NOT NULL,
    uuid BLOB NOT NULL,
    first INTEGER NOT NULL DEFAULT 1,   -- whether it is the earliest version that the collection retains
    moment INTEGER NOT NULL,            -- of the version; see places.py
    ends INTEGER NOT NULL DEFAULT 0,    -- of the object; 0 where superseded
    replaced INTEGER,                   -- date_added of what superseded it
    version TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (log, seq)
) WITHOUT ROWID;
CREATE INDEX entry_type ON entry (log, first, type, seq);
CREATE INDEX entry_moment ON entry (log, moment, seq);
-- by day, so that it grows at some dozens of places and not at random; see choosing.day_of
CREATE INDEX entry_ends ON entry (log, ends / 86400000, seq, ends) WHERE ends > 0;
CREATE INDEX entry_replaced ON entry (log, replaced, seq) WHERE replaced IS NOT NULL;
CREATE INDEX entry_object ON entry (log, object, seq) WHERE replaced IS NOT NULL;

------------------------------------------------------------------------ feeds, submissions, people, the hub

CREATE TABLE feed (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE submission (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    collection TEXT NOT NULL,
    user TEXT NOT NULL,
    organisation TEXT NOT NULL,
    received INTEGER NOT NULL,          -- microseconds
    state TEXT NOT NULL,
    original INTEGER NOT NULL,          -- whether the body is still there
    verdicts BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX submission_pending ON submission (received, id) WHERE state = 'pending';
CREATE INDEX submission_original ON submission (received) WHERE state = 'complete' AND original;

CREATE TABLE person (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE token (
    id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE remembered (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    detail BLOB NOT NULL
);
CREATE TABLE reads (
    subscriber TEXT, collection TEXT, requests INTEGER NOT NULL, objects INTEGER NOT NULL, last INTEGER NOT NULL,
    errors INTEGER NOT NULL, PRIMARY KEY (subscriber, collection)
) WITHOUT ROWID;
