-- The log and the tables. Ids are positive 64-bit integers, times are Unix milliseconds, names of
-- kinds and roles are those of the wire: one may look into a copy with any SQLite tool.

-- What there is once in an installation.
CREATE TABLE installation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    epoch TEXT NOT NULL,
    general_room INTEGER NOT NULL
) STRICT;

-- What access tokens are signed with; the newest signs, all of them verify.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    secret BLOB NOT NULL CHECK (length(secret) = 32),
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts. A deleted one keeps its number, so that its messages keep their sender, and no more.
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY,
    handle TEXT UNIQUE,
    display_name TEXT NOT NULL,
    rank TEXT NOT NULL CHECK (rank IN ('member', 'admin', 'owner')),
    password TEXT,
    created_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER,
    CHECK ((handle IS NULL) = (deleted_at_ms IS NOT NULL))
) STRICT;

-- Only the installation's owners are looked for.
CREATE INDEX users_owner ON users (rank) WHERE rank = 'owner' AND handle IS NOT NULL;

-- Rooms, with where their log stands: `head_*` is the newest event, `n` the number of messages,
-- `last_seq` and `active_at_ms` the newest in the timeline, `members` how many there are now.
CREATE TABLE rooms (
    room_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('direct', 'group', 'channel', 'self')),
    name TEXT,
    history TEXT NOT NULL CHECK (history IN ('all', 'since_join')),
    posting TEXT NOT NULL CHECK (posting IN ('members', 'admins')),
    created_at_ms INTEGER NOT NULL,
    head_seq INTEGER NOT NULL DEFAULT 0,
    head_at_ms INTEGER NOT NULL DEFAULT 0,
    n INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,
    active_at_ms INTEGER NOT NULL,
    members INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The list of channels, most recent first.
CREATE INDEX rooms_channel ON rooms (active_at_ms, room_id) WHERE kind = 'channel';

-- The one direct room of a pair, with where each was told of it in its `self` room.
CREATE TABLE directs (
    low_user INTEGER NOT NULL,
    high_user INTEGER NOT NULL,
    room_id INTEGER NOT NULL,
    low_added_seq INTEGER NOT NULL,
    high_added_seq INTEGER NOT NULL,
    PRIMARY KEY (low_user, high_user),
    CHECK (low_user < high_user)
) STRICT, WITHOUT ROWID;

-- Who is, or was (`left_seq`), in which room. `first_seq` is of the first joining ever, `join_seq`
-- of the last.
CREATE TABLE members (
    room_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'member', 'admin', 'owner')),
    first_seq INTEGER NOT NULL,
    join_seq INTEGER NOT NULL,
    joined_at_ms INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL DEFAULT 0,
    read_seq INTEGER NOT NULL,
    read_n INTEGER NOT NULL,
    left_seq INTEGER,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

-- The rooms of a user.
CREATE INDEX members_user ON members (user_id, room_id, left_seq);

-- Those above the ordinary: is there another owner, who follows one.
CREATE INDEX members_role ON members (room_id, role, joined_at_ms)
    WHERE role IN ('admin', 'owner') AND left_seq IS NULL;

-- The log. `timeline` is 1 for what is shown between the messages and 0 for changes and what a
-- `self` room keeps, and stands before `seq`: a page of the timeline is one range read however many
-- reactions or read marks lie between, and needs no second index; the log is a merge of two ranges.
CREATE TABLE events (
    room_id INTEGER NOT NULL,
    timeline INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    n INTEGER,
    kind INTEGER NOT NULL,
    subject INTEGER,
    user_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    key BLOB,
    rev INTEGER,
    body TEXT,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (room_id, timeline, seq)
) STRICT, WITHOUT ROWID;

-- A key is unique for ever per room and user. It stands first because keys are UUIDv7 and grow with
-- time: the entries of one commit land on one page of this index, whatever rooms and users they are of.
CREATE UNIQUE INDEX events_key ON events (key, room_id, user_id) WHERE key IS NOT NULL;

-- Signed-in devices and browsers. `tokens` is how many refresh tokens were given out; `previous`
-- the last that was used, at `rotated_at_ms`.
CREATE TABLE sessions (
    session_id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (user_id),
    label TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    seen_at_ms INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    previous BLOB,
    rotated_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER
) STRICT;

CREATE INDEX sessions_user ON sessions (user_id, seen_at_ms);
CREATE INDEX sessions_revoked ON sessions (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;

-- Hashes of refresh tokens, the last of each session that lives. `number` counts them.
CREATE TABLE session_tokens (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    session_id INTEGER NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX session_tokens_session ON session_tokens (session_id, number);

-- Invites to the installation.
CREATE TABLE invites (
    code TEXT PRIMARY KEY,
    created_by INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0)
) STRICT, WITHOUT ROWID;

-- Links with which a user sets a new password, one a user.
CREATE TABLE resets (
    user_id INTEGER PRIMARY KEY REFERENCES users (user_id),
    token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),
    expires_at_ms INTEGER NOT NULL
) STRICT;
