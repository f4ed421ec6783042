-- The fleet's law: rules, whose policies are which, exceptions, who changed what, and how far hosts are judged by it.

CREATE TABLE ruleset (
    id          BLOB NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    version     BIGINT NOT NULL,
    signed_by   TEXT NOT NULL,
    files       BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    received_by TEXT NOT NULL,
    folder      BLOB NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX ruleset_version ON ruleset (name, version);

-- One row a change: the last one is the law. ended_at: when every host was judged by it.
CREATE TABLE law (
    version    BIGINT NOT NULL PRIMARY KEY,
    active     BLOB REFERENCES ruleset (id),
    day        TEXT,
    why        TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT
) WITHOUT ROWID;

-- Policies of hosts with a tag; of hosts without another where the tag is ''.
CREATE TABLE assignment (
    tag    TEXT NOT NULL,
    policy TEXT NOT NULL,
    PRIMARY KEY (tag, policy)
) WITHOUT ROWID;

CREATE TABLE exception (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    whose        TEXT NOT NULL,
    excepted     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    owner        TEXT NOT NULL,
    expires      TEXT NOT NULL,
    granted_at   BIGINT NOT NULL,
    granted_by   TEXT NOT NULL,
    withdrawn_at BIGINT
);

CREATE TABLE host_tag (
    host BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    tag  TEXT NOT NULL,
    PRIMARY KEY (host, tag)
) WITHOUT ROWID;
CREATE INDEX host_tag_by_tag ON host_tag (tag, host);

CREATE TABLE audit (
    no      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject, no);

-- law: by which one it was judged; leased: until when somebody has taken it to judge it anew; tags: those of host_tag, for who
-- reads the host anyway.
ALTER TABLE host ADD COLUMN law BIGINT NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN leased BIGINT NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN tags TEXT;
CREATE INDEX host_by_law ON host (law, no);
