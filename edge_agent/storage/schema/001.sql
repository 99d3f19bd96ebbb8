-- One outbox row is one frame (see contract/frames.py), ready to send.
-- id = stream number << 48 | first sequence: one B+tree, appended to at four places. Against a (stream, first) key
-- WITHOUT ROWID a lone 600-byte commit writes 11.0 instead of 16.8 KB and a 1500-byte row takes 2.1 instead of 4.7 KB.
-- crc covers every other column. The newest row of a stream is never deleted: numbering goes on from it.
CREATE TABLE frame (
    id          INTEGER PRIMARY KEY,
    last        INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL,
    gap         TEXT,               -- the reason, where the row is a gap event
    encoding    TEXT NOT NULL,
    crc         INTEGER NOT NULL,
    body        BLOB NOT NULL
) STRICT;

-- The watermark: everything up to upto is stored by head office.
CREATE TABLE stream (
    number INTEGER PRIMARY KEY,
    upto   INTEGER NOT NULL,
    crc    INTEGER NOT NULL
) STRICT;

-- Durable facts. A rowid table, so that salvage can read it in ranges.
CREATE TABLE state (
    number     INTEGER PRIMARY KEY,
    part       TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,
    expires_ms INTEGER,
    crc        INTEGER NOT NULL,
    UNIQUE (part, key)
) STRICT;

CREATE INDEX state_expiry ON state (expires_ms) WHERE expires_ms IS NOT NULL;

-- epoch, machine (keyed hash of the machine id), sent (see epoch.py).
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
