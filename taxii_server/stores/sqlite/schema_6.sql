-- Version 6: the rows of each feed's document, as it was last taken in whole, so that what is still there need not be
-- parsed. The word stands for how rows are read; under another one it says nothing. See normalizers/familiar.py.
CREATE TABLE known (feed TEXT PRIMARY KEY, word TEXT NOT NULL, body BLOB NOT NULL);
