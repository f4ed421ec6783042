-- What reports have changed, and what is counted as it comes and goes.

-- What came and went with a report that changed what its host has, as numbers of items (codec.rs); the first has none.
CREATE TABLE report_change (
    host BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    seq  BIGINT NOT NULL,
    came BLOB NOT NULL,
    went BLOB NOT NULL,
    PRIMARY KEY (host, seq)
) WITHOUT ROWID;

-- late: it came after one with a higher number, and what it held was not kept.
ALTER TABLE report ADD COLUMN late BOOLEAN NOT NULL DEFAULT FALSE;

-- All that findings are counted by.
DROP INDEX finding_standing;
CREATE INDEX finding_standing ON finding (policy, prohibition, vendor, severity, decides, host, state) WHERE state <> 'closed';

-- heard: it has reported.
ALTER TABLE host ADD COLUMN heard BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE host SET heard = TRUE WHERE seq > 0;
DROP INDEX host_folded;
CREATE INDEX host_folded ON host (folded, heard);

-- Counts, kept by the database itself, so that nothing that is written can forget them: a list, or the figures of the whole, would go
-- through a hundred thousand hosts. One writes at a time here; PostgreSQL, where many do, counts when it is asked.

-- How many hosts have an item, where any has.
CREATE TABLE item_hosts (
    item  INTEGER PRIMARY KEY,
    hosts BIGINT NOT NULL
);
INSERT INTO item_hosts SELECT item, COUNT(*) FROM host_item GROUP BY item;
CREATE TRIGGER item_comes AFTER INSERT ON host_item BEGIN
    INSERT INTO item_hosts VALUES (new.item, 1) ON CONFLICT (item) DO UPDATE SET hosts = hosts + 1;
END;
CREATE TRIGGER item_goes AFTER DELETE ON host_item BEGIN
    UPDATE item_hosts SET hosts = hosts - 1 WHERE item = old.item;
    DELETE FROM item_hosts WHERE item = old.item AND hosts = 0;
END;

-- How many hosts, retired ones too, have the same unseen.
CREATE TABLE unseen_hosts (
    source TEXT NOT NULL,
    unseen TEXT NOT NULL,
    hosts  BIGINT NOT NULL,
    PRIMARY KEY (source, unseen)
) WITHOUT ROWID;
INSERT INTO unseen_hosts SELECT source, unseen, COUNT(*) FROM host_set WHERE unseen IS NOT NULL GROUP BY source, unseen;
CREATE TRIGGER unseen_comes AFTER INSERT ON host_set WHEN new.unseen IS NOT NULL BEGIN
    INSERT INTO unseen_hosts VALUES (new.source, new.unseen, 1) ON CONFLICT (source, unseen) DO UPDATE SET hosts = hosts + 1;
END;
CREATE TRIGGER unseen_goes AFTER DELETE ON host_set WHEN old.unseen IS NOT NULL BEGIN
    UPDATE unseen_hosts SET hosts = hosts - 1 WHERE source = old.source AND unseen = old.unseen;
    DELETE FROM unseen_hosts WHERE source = old.source AND unseen = old.unseen AND hosts = 0;
END;
CREATE TRIGGER unseen_changes AFTER UPDATE OF unseen ON host_set WHEN old.unseen IS NOT new.unseen BEGIN
    UPDATE unseen_hosts SET hosts = hosts - 1 WHERE source = old.source AND unseen = old.unseen;
    DELETE FROM unseen_hosts WHERE source = old.source AND unseen = old.unseen AND hosts = 0;
    INSERT INTO unseen_hosts SELECT new.source, new.unseen, 1 WHERE new.unseen IS NOT NULL
        ON CONFLICT (source, unseen) DO UPDATE SET hosts = hosts + 1;
END;
CREATE INDEX host_retired ON host (no) WHERE standing = 'retired';

-- Whether there ought to be a host of such a name.
ALTER TABLE host ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE host SET listed = TRUE WHERE folded IN (SELECT folded FROM expected);
CREATE TRIGGER expected_comes AFTER INSERT ON expected BEGIN
    UPDATE host SET listed = TRUE WHERE folded = new.folded;
END;
CREATE TRIGGER expected_goes AFTER DELETE ON expected BEGIN
    UPDATE host SET listed = FALSE WHERE folded = old.folded;
END;

-- Names of several hosts.
CREATE TABLE name_hosts (
    folded TEXT NOT NULL PRIMARY KEY,
    hosts  BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX name_of_several ON name_hosts (folded) WHERE hosts > 1;
INSERT INTO name_hosts SELECT folded, COUNT(*) FROM host WHERE folded IS NOT NULL GROUP BY folded;
CREATE TRIGGER name_comes AFTER INSERT ON host WHEN new.folded IS NOT NULL BEGIN
    INSERT INTO name_hosts VALUES (new.folded, 1) ON CONFLICT (folded) DO UPDATE SET hosts = hosts + 1;
    UPDATE host SET listed = TRUE WHERE no = new.no AND new.folded IN (SELECT folded FROM expected);
END;
CREATE TRIGGER name_goes AFTER DELETE ON host WHEN old.folded IS NOT NULL BEGIN
    UPDATE name_hosts SET hosts = hosts - 1 WHERE folded = old.folded;
    DELETE FROM name_hosts WHERE folded = old.folded AND hosts = 0;
END;
CREATE TRIGGER name_changes AFTER UPDATE OF folded ON host WHEN old.folded IS NOT new.folded BEGIN
    UPDATE name_hosts SET hosts = hosts - 1 WHERE folded = old.folded;
    DELETE FROM name_hosts WHERE folded = old.folded AND hosts = 0;
    INSERT INTO name_hosts SELECT new.folded, 1 WHERE new.folded IS NOT NULL
        ON CONFLICT (folded) DO UPDATE SET hosts = hosts + 1;
    UPDATE host SET listed = COALESCE(new.folded IN (SELECT folded FROM expected), FALSE) WHERE no = new.no;
END;

-- How many hosts stand alike.
CREATE TABLE host_count (
    standing TEXT NOT NULL,
    verdict  TEXT NOT NULL,
    listed   BOOLEAN NOT NULL,
    seen     BOOLEAN NOT NULL,
    hosts    BIGINT NOT NULL,
    PRIMARY KEY (standing, verdict, listed, seen)
) WITHOUT ROWID;
INSERT INTO host_count SELECT standing, COALESCE(verdict, ''), listed, looked_at IS NOT NULL, COUNT(*) FROM host GROUP BY 1, 2, 3, 4;
-- Taken off as it is added: in which order what one statement changes comes here is not told.
CREATE TRIGGER host_comes AFTER INSERT ON host BEGIN
    INSERT INTO host_count VALUES (new.standing, COALESCE(new.verdict, ''), new.listed, new.looked_at IS NOT NULL, 1)
        ON CONFLICT (standing, verdict, listed, seen) DO UPDATE SET hosts = hosts + 1;
END;
CREATE TRIGGER host_goes AFTER DELETE ON host BEGIN
    INSERT INTO host_count VALUES (old.standing, COALESCE(old.verdict, ''), old.listed, old.looked_at IS NOT NULL, -1)
        ON CONFLICT (standing, verdict, listed, seen) DO UPDATE SET hosts = hosts - 1;
END;
CREATE TRIGGER host_changes AFTER UPDATE OF standing, verdict, listed, looked_at ON host
WHEN old.standing <> new.standing OR old.verdict IS NOT new.verdict OR old.listed <> new.listed
    OR (old.looked_at IS NULL) <> (new.looked_at IS NULL) BEGIN
    INSERT INTO host_count VALUES (old.standing, COALESCE(old.verdict, ''), old.listed, old.looked_at IS NOT NULL, -1)
        ON CONFLICT (standing, verdict, listed, seen) DO UPDATE SET hosts = hosts - 1;
    INSERT INTO host_count VALUES (new.standing, COALESCE(new.verdict, ''), new.listed, new.looked_at IS NOT NULL, 1)
        ON CONFLICT (standing, verdict, listed, seen) DO UPDATE SET hosts = hosts + 1;
END;

-- All that lists of hosts decide by, in their order: a host's row is ten times as wide.
CREATE INDEX host_at_a_glance ON host (id, standing, family, verdict, looked_at, enrolled_at, listed);
