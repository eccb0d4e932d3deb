-- Version 2: what has left is known to have been there, and a version is found by type and date.

-- of objects that somebody owns: the highest version, by version_key, that was deleted or is past its retention
CREATE TABLE departed (object INTEGER PRIMARY KEY, version TEXT NOT NULL);

-- all that a query for the version of one date asks, so that none of the others of that date is read
DROP INDEX entry_moment;
CREATE INDEX entry_version ON entry (log, first, type, moment, seq);
