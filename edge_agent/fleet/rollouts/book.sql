CREATE TABLE rollout (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  file TEXT NOT NULL,
  file_sha256 TEXT NOT NULL,
  rules BLOB NOT NULL,        -- JSON
  state TEXT NOT NULL,
  ring INTEGER NOT NULL,
  detail TEXT NOT NULL,
  created_at TEXT NOT NULL    -- ISO 8601, UTC
) STRICT;

CREATE TABLE member (
  rollout TEXT NOT NULL REFERENCES rollout (id),
  place INTEGER NOT NULL,     -- in the order of pushing
  store TEXT NOT NULL,
  agent TEXT NOT NULL,
  ring INTEGER NOT NULL,
  is_unchanged INTEGER NOT NULL,
  config BLOB NOT NULL,       -- JSON: what it is to get
  progress BLOB,              -- JSON, NULL where it was not pushed yet
  envelope BLOB NOT NULL DEFAULT x'',
  before BLOB NOT NULL DEFAULT x'',
  is_withdrawn INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (rollout, store, agent)
) STRICT
