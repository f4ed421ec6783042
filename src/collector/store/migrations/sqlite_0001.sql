-- The fleet, first version. Ids are 16 bytes, moments are seconds since 1970, words are those of the API, what has no
-- column is packed (codec.rs). Every table that grows with the hosts has the host first in its key, so that it can be
-- partitioned; host_item is the way back, from an item to who has it.

CREATE TABLE host (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    install     BLOB NOT NULL UNIQUE,
    machine     BLOB NOT NULL,
    name        TEXT,
    folded      TEXT,
    family      TEXT NOT NULL,
    os          TEXT,
    agent       TEXT,
    enrolled_at BIGINT NOT NULL,
    standing    TEXT NOT NULL,
    fork_at     BIGINT,
    fork_base   BIGINT,
    fork_tip    BIGINT,
    seq         BIGINT NOT NULL,
    report      BLOB,
    scanned_at  BIGINT,
    received_at BIGINT,
    looked_at BIGINT,
    inventory   BLOB,
    rules       BLOB,
    judged_on   TEXT,
    verdict     TEXT
);

-- By its token. One that enrols again has a new one, and the old one is told apart from one that never was.
CREATE TABLE token (
    hash    BLOB NOT NULL PRIMARY KEY,
    host    BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    revoked BIGINT
) WITHOUT ROWID;
CREATE INDEX token_of_host ON token (host);

CREATE TABLE credential (
    name    TEXT NOT NULL PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    role    TEXT,
    created BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT,
    used    BIGINT
) WITHOUT ROWID;

-- What is read seldom of a host.
CREATE TABLE host_told (
    host     BIGINT NOT NULL PRIMARY KEY REFERENCES host (no) ON DELETE CASCADE,
    facts    BLOB NOT NULL,
    asked    BLOB NOT NULL,
    led      BLOB,
    policies BLOB
);

-- What led scans, by the id of its text.
CREATE TABLE sought (
    id   BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
);

-- What a source of an endpoint's version says of itself on every host.
CREATE TABLE shape (
    no   INTEGER PRIMARY KEY AUTOINCREMENT,
    id   BLOB NOT NULL UNIQUE,
    body BLOB NOT NULL
);

-- Numbers are never given twice: what is remembered of one stays so.
CREATE TABLE item (
    no        INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB NOT NULL UNIQUE,
    kind      TEXT NOT NULL,
    folded    TEXT NOT NULL,
    publisher TEXT,
    body      BLOB NOT NULL
);
CREATE INDEX item_by_name ON item (folded, id);
CREATE INDEX item_by_publisher ON item (publisher, folded, id);

CREATE TABLE seen (
    no   INTEGER PRIMARY KEY AUTOINCREMENT,
    id   BLOB NOT NULL UNIQUE,
    item BIGINT NOT NULL REFERENCES item (no),
    body BLOB NOT NULL
);
CREATE INDEX seen_of_item ON seen (item);

-- unseen: what it could not see, as words between blanks: how it ended, then why, with '!' where that could hide something that
-- counts; none where it saw all there is. entries: what the source saw at the last report; whole: what it saw when it was last whole, where that was before;
-- part: it never was, and that is the last part of it.
CREATE TABLE host_set (
    host     BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    position BIGINT NOT NULL,
    state    BLOB NOT NULL,
    shape    BIGINT NOT NULL REFERENCES shape (no),
    ended    BLOB NOT NULL,
    unseen   TEXT,
    digest   BLOB,
    entries  BLOB,
    whole_at BIGINT,
    part     BOOLEAN NOT NULL,
    whole    BLOB,
    PRIMARY KEY (host, source)
) WITHOUT ROWID;
CREATE INDEX unseen_by_source ON host_set (source, host, unseen) WHERE unseen IS NOT NULL;

-- block: the number of the host by thousands (1024). Hosts that came together have much alike, and what is written of them lies
-- together: with the item first, each of a host's five hundred rows would be in a page of its own.
CREATE TABLE host_item (
    block BIGINT NOT NULL,
    item  BIGINT NOT NULL,
    host  BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (block, item, host)
) WITHOUT ROWID;

-- Every report that was acknowledged, once.
CREATE TABLE report (
    host        BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    id          BLOB NOT NULL,
    scanned_at  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    verdict     TEXT NOT NULL,
    PRIMARY KEY (host, seq)
) WITHOUT ROWID;

CREATE TABLE finding (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    host        BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    policy      TEXT NOT NULL,
    prohibition TEXT NOT NULL,
    product     TEXT NOT NULL,
    vendor      TEXT NOT NULL,
    severity    TEXT NOT NULL,
    confidence  TEXT NOT NULL,
    decides     BOOLEAN NOT NULL,
    state       TEXT NOT NULL,
    opened_at   BIGINT NOT NULL,
    seen_at     BIGINT,
    closed_at   BIGINT,
    why         TEXT,
    body        BLOB NOT NULL,
    look        BLOB
);
CREATE UNIQUE INDEX finding_of_host ON finding (host, policy, prohibition, product) WHERE state <> 'closed';
CREATE INDEX finding_closed ON finding (host, closed_at) WHERE state = 'closed';
CREATE INDEX finding_by_product ON finding (product, no);

-- A policy's verdict on a host, from a moment on; none: unknown.
CREATE TABLE verdict (
    host    BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    policy  TEXT NOT NULL,
    since   BIGINT NOT NULL,
    verdict TEXT,
    PRIMARY KEY (host, policy, since)
) WITHOUT ROWID;

-- What is noted of the fleet as a whole.
CREATE TABLE mark (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
