-- What reports have changed.

-- What came and went with a report that changed what its host has, as numbers of items (codec.rs); the first has none.
CREATE TABLE report_change (
    host BIGINT NOT NULL REFERENCES host (no) ON DELETE CASCADE,
    seq  BIGINT NOT NULL,
    came BYTEA NOT NULL,
    went BYTEA NOT NULL,
    PRIMARY KEY (host, seq)
) PARTITION BY HASH (host);

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF report_change FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                       'report_change_' || part, part);
    END LOOP;
END
$$;

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
