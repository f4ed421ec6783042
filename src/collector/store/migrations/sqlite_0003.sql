-- What has happened, for those who want to be told, and the hosts that there ought to be.

CREATE TABLE event (
    no   INTEGER PRIMARY KEY AUTOINCREMENT,
    key  TEXT NOT NULL UNIQUE,
    at   BIGINT NOT NULL,
    word TEXT NOT NULL,
    host BLOB,
    body BLOB NOT NULL
);
CREATE INDEX event_of_host ON event (host, no);
CREATE INDEX event_at ON event (at);

-- told_to: the last event of which it was seen whether it is for this destination.
CREATE TABLE destination (
    name    TEXT NOT NULL PRIMARY KEY,
    told_to BIGINT NOT NULL
) WITHOUT ROWID;

-- What waits for a destination; next_at: none where it was given up. What was told is not here any more.
CREATE TABLE delivery (
    destination TEXT NOT NULL,
    event       BIGINT NOT NULL REFERENCES event (no) ON DELETE CASCADE,
    tries       BIGINT NOT NULL,
    next_at     BIGINT,
    why         TEXT,
    PRIMARY KEY (event, destination)
) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (destination, next_at, event);

-- tags: words with a blank before and after each.
CREATE TABLE expected (
    folded     TEXT NOT NULL PRIMARY KEY,
    owner      TEXT NOT NULL,
    department TEXT NOT NULL,
    tags       TEXT NOT NULL,
    body       BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX host_folded ON host (folded);
