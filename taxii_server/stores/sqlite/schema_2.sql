-- Version 2: what has left is known to have been there.

-- of objects that somebody owns: the highest version, by version_key, that was deleted or is past its retention
CREATE TABLE departed (object INTEGER PRIMARY KEY, version TEXT NOT NULL);
