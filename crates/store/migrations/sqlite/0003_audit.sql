-- What was done to the installation and to its people by those who may. `actor` is none where it was
-- the operator, who can read this file; `subject` is the user to whom it was done, none where it was
-- the installation; `detail` says the rest, and never a secret.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor INTEGER,
    act TEXT NOT NULL,
    subject INTEGER,
    detail TEXT NOT NULL
) STRICT;

-- Who may register, as the operator set it; none where that was left to the configuration.
ALTER TABLE installation ADD COLUMN registration TEXT CHECK (registration IN ('open', 'invite', 'closed'));
