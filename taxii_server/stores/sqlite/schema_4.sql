-- Version 4: what logs whose records can be withdrawn said last in each of them.
CREATE TABLE record (
    origin TEXT,
    id BLOB,                            -- of the record; see stores/base
    key BLOB NOT NULL,                  -- of the observable that it is about
    reading TEXT NOT NULL,
    body BLOB NOT NULL,                 -- normalizers.claims.encode
    PRIMARY KEY (origin, id)
) WITHOUT ROWID;
CREATE INDEX record_key ON record (origin, key);
