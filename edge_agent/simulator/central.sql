-- The reference central service's database. Bodies are kept byte for byte as they came.

CREATE TABLE IF NOT EXISTS agent (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    store TEXT NOT NULL,
    agent TEXT NOT NULL,
    epoch TEXT NOT NULL,              -- of its last frame: the epoch its ack names
    UNIQUE (tenant, store, agent)
);

CREATE TABLE IF NOT EXISTS stream (   -- one line of sequences
    id INTEGER PRIMARY KEY,
    agent INTEGER NOT NULL REFERENCES agent (id),
    epoch TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (agent, epoch, name)
);

CREATE TABLE IF NOT EXISTS received ( -- the watermark is the end of the range that starts at 1
    stream INTEGER NOT NULL REFERENCES stream (id),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream, first)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS event (
    arrival INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stream INTEGER NOT NULL REFERENCES stream (id),
    sequence INTEGER,                 -- null: it told none
    type TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS event_place ON event (stream, sequence);

CREATE TABLE IF NOT EXISTS bad_frame ( -- not decodable, not acknowledged, for a person to look at
    sha256 TEXT NOT NULL,
    topic TEXT NOT NULL,
    properties TEXT NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (sha256, topic)
);

CREATE TABLE IF NOT EXISTS alarm (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    sequence INTEGER,
    detail TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS book (     -- each order at its highest revision, as the daily closing proof counts it
    agent INTEGER NOT NULL REFERENCES agent (id),
    order_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payable INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    workstation TEXT NOT NULL,
    PRIMARY KEY (agent, order_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS book_day ON book (agent, business_day, workstation);

CREATE TABLE IF NOT EXISTS day (      -- the last proof of each day and workstation, and our digest when it was answered
    agent INTEGER NOT NULL REFERENCES agent (id),
    business_day TEXT NOT NULL,
    workstation TEXT NOT NULL,
    stream INTEGER NOT NULL REFERENCES stream (id),
    sequence INTEGER NOT NULL,
    asked TEXT NOT NULL,
    digest TEXT,                      -- null: not all that came before the proof is here yet
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (agent, business_day, workstation)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS day_waits ON day (agent, stream) WHERE digest IS NULL;
CREATE INDEX IF NOT EXISTS day_differs ON day (agent) WHERE digest <> asked;
