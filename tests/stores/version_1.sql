CREATE TABLE settling (name TEXT PRIMARY KEY, pending INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO settling VALUES ('claim', 0), ('listing', 0), ('object', 0);
CREATE TABLE word (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE claim (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    audience TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE claim_recent (key BLOB, id INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE TABLE claim_settled (key BLOB, id INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID;
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
CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    type INTEGER NOT NULL,
    key BLOB NOT NULL,
    generation INTEGER NOT NULL,
    created TEXT NOT NULL,
    version TEXT NOT NULL,
    digest BLOB NOT NULL,
    revoked INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    owner TEXT NOT NULL,
    places BLOB NOT NULL
);
CREATE TABLE object_recent (uuid BLOB, id INTEGER, PRIMARY KEY (uuid, id)) WITHOUT ROWID;
CREATE TABLE object_settled (uuid BLOB, id INTEGER, PRIMARY KEY (uuid, id)) WITHOUT ROWID;
CREATE TABLE collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL DEFAULT 0);
CREATE TABLE restored (floor INTEGER NOT NULL);
CREATE TABLE tally (
    collection INTEGER, type INTEGER, latest INTEGER NOT NULL, superseded INTEGER NOT NULL,
    PRIMARY KEY (collection, type)
) WITHOUT ROWID;
CREATE TABLE entry (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    type INTEGER NOT NULL,
    object INTEGER NOT NULL,
    uuid BLOB NOT NULL,
    first INTEGER NOT NULL DEFAULT 1,
    moment INTEGER NOT NULL,
    ends INTEGER NOT NULL DEFAULT 0,
    replaced INTEGER,
    version TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (log, seq)
) WITHOUT ROWID;
CREATE INDEX entry_type ON entry (log, first, type, seq);
CREATE INDEX entry_moment ON entry (log, moment, seq);
CREATE INDEX entry_ends ON entry (log, ends / 86400000, seq, ends) WHERE ends > 0;
CREATE INDEX entry_replaced ON entry (log, replaced, seq) WHERE replaced IS NOT NULL;
CREATE INDEX entry_object ON entry (log, object, seq) WHERE replaced IS NOT NULL;
CREATE TABLE feed (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE submission (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    collection TEXT NOT NULL,
    user TEXT NOT NULL,
    organisation TEXT NOT NULL,
    received INTEGER NOT NULL,
    state TEXT NOT NULL,
    original INTEGER NOT NULL,
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
PRAGMA application_id = 1852797551;
PRAGMA user_version = 1;
