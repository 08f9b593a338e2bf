-- When each mark of a member moved last, Unix milliseconds; 0 where that was before it was kept.
ALTER TABLE members ADD COLUMN delivered_at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN read_at_ms INTEGER NOT NULL DEFAULT 0;

-- Who joined stands at their joining, and what was read was delivered.
UPDATE members SET read_seq = max(read_seq, join_seq);
UPDATE members SET delivered_seq = max(delivered_seq, read_seq);

-- Whether a user gives and gets read receipts, and says when they were last seen; and when that was.
ALTER TABLE users ADD COLUMN read_receipts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN last_seen INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN seen_at_ms INTEGER;
