-- Version 3: files are found by their weaker hashes too. Both are observable keys.
CREATE TABLE alias (alias BLOB, key BLOB, PRIMARY KEY (alias, key)) WITHOUT ROWID;
