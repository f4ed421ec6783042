-- Who may open the console, and how the fleet stood day by day.

-- secret: a password as PHC string, by argon2id; subject: who it is for whom a provider of identities speaks. One of both.
CREATE TABLE person (
    name         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role         TEXT NOT NULL,
    secret       TEXT,
    subject      TEXT UNIQUE,
    created      BIGINT NOT NULL,
    disabled     BIGINT,
    used         BIGINT,
    failures     BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT
);

CREATE TABLE session (
    hash   BYTEA NOT NULL PRIMARY KEY,
    person TEXT COLLATE "C" NOT NULL REFERENCES person (name) ON DELETE CASCADE,
    begun  BIGINT NOT NULL,
    used   BIGINT NOT NULL,
    ends   BIGINT NOT NULL
);
CREATE INDEX session_of_person ON session (person);

CREATE TABLE day (
    day  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body BYTEA NOT NULL
);

CREATE INDEX finding_standing ON finding (policy, prohibition, vendor, severity) WHERE state <> 'closed';
