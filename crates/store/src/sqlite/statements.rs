//! Every statement there is, so that a test can ask the database how it runs each of them.
//!
//! Each is keyed by a room, a user, a session or a key. `CROSS JOIN` fixes the order in which tables
//! are visited: what was given first, then the look-ups.

/// Names each statement, and lists them for the test of query plans.
macro_rules! statements {
    ($($name:ident = $sql:expr;)+) => {
        $(pub(super) const $name: &str = $sql;)+

        /// Name and text of each.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

/// The columns of an event in the order that `row::event` reads them.
macro_rules! event_columns {
    () => {
        "room_id, seq, n, kind, subject, user_id, at_ms, key, rev, body, checksum"
    };
    (e) => {
        "e.room_id, e.seq, e.n, e.kind, e.subject, e.user_id, e.at_ms, e.key, e.rev, e.body, e.checksum"
    };
}

/// The columns of a user in the order that `row::user` reads them.
macro_rules! user_columns {
    () => {
        "u.user_id, coalesce(u.handle, ''), u.display_name, u.rank, u.created_at_ms, u.hue, u.read_receipts, u.last_seen"
    };
}

/// A range of a room's timeline.
macro_rules! timeline {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE room_id = ?1 AND timeline = 1 AND ",
            $rest
        )
    };
}

statements! {
    // The log.
    EVENT_INSERT = "INSERT INTO events (room_id, timeline, seq, n, kind, subject, user_id, at_ms, key, rev, body, checksum)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    EVENT_BY_KEY = concat!("SELECT ", event_columns!(e), " FROM (
            SELECT room_id, timeline, seq FROM events WHERE key = ?1 AND room_id = ?2 AND user_id = ?3
        ) k CROSS JOIN events e ON e.room_id = k.room_id AND e.timeline = k.timeline AND e.seq = k.seq");
    EVENT_GET = concat!("SELECT ", event_columns!(), " FROM events WHERE room_id = ?1 AND timeline = ?2 AND seq = ?3");
    EVENT_REWRITE = "UPDATE events SET body = ?4, rev = ?5, checksum = ?6 WHERE room_id = ?1 AND timeline = ?2 AND seq = ?3";
    EVENTS_ERASE = "DELETE FROM events WHERE room_id = ?1";
    MESSAGE_N_AT = "SELECT n FROM events WHERE room_id = ?1 AND timeline = 1 AND seq <= ?2 AND n IS NOT NULL ORDER BY seq DESC LIMIT 1";
    TIMELINE_DOWN = timeline!("seq >= ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4");
    TIMELINE_UP = timeline!("seq > ?2 ORDER BY seq LIMIT ?3");
    TIMELINE_TIME = "SELECT seq, at_ms FROM events WHERE room_id = ?1 AND timeline = 1 AND seq >= ?2 ORDER BY seq LIMIT 1";
    LOG_UP = concat!(
        "SELECT ", event_columns!(), " FROM events WHERE room_id = ?1 AND timeline = 0 AND seq > ?2 UNION ALL
         SELECT ", event_columns!(), " FROM events WHERE room_id = ?1 AND timeline = 1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    EVENTS_MISSED = concat!("SELECT ", event_columns!(e), " FROM json_each(?1) c CROSS JOIN events e
            ON e.room_id = json_extract(c.value, '$[0]') AND e.timeline IN (0, 1) AND e.seq > json_extract(c.value, '$[1]')");
    MEMBERS_FOUNDING = "SELECT subject FROM events WHERE room_id = ?1 AND timeline = 1 AND seq > 2 AND seq <= ?2 AND kind = 5 AND key IS NULL";

    // Rooms.
    ROOM_INSERT = "INSERT INTO rooms (room_id, kind, name, history, posting, created_at_ms, active_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    ROOM_GET = "SELECT kind, history, posting, head_seq, head_at_ms, n, last_seq, active_at_ms, members FROM rooms WHERE room_id = ?1";
    ROOM_NAME = "SELECT name FROM rooms WHERE room_id = ?1";
    ROOM_EXISTS = "SELECT 1 FROM rooms WHERE room_id = ?1";
    ROOM_HEAD_SET = "UPDATE rooms SET head_seq = ?2, head_at_ms = ?3, n = ?4, last_seq = ?5, active_at_ms = ?6, members = ?7 WHERE room_id = ?1";
    ROOM_SETTINGS_SET = "UPDATE rooms SET name = coalesce(?2, name), history = ?3, posting = ?4 WHERE room_id = ?1";
    ROOM_SIGHT = "SELECT r.kind, r.posting, r.history, r.head_seq, m.role, m.join_seq FROM rooms r
        LEFT JOIN members m ON m.room_id = r.room_id AND m.user_id = ?2 AND m.left_seq IS NULL WHERE r.room_id = ?1";
    ROOMS_MINE = "SELECT r.active_at_ms, r.room_id FROM members m CROSS JOIN rooms r ON r.room_id = m.room_id
        WHERE m.user_id = ?1 AND m.left_seq IS NULL AND (r.active_at_ms, r.room_id) < (?2, ?3)
        ORDER BY r.active_at_ms DESC, r.room_id DESC LIMIT ?4";
    ROOMS_CHANNEL = "SELECT active_at_ms, room_id FROM rooms WHERE kind = 'channel' AND (active_at_ms, room_id) < (?1, ?2)
        ORDER BY active_at_ms DESC, room_id DESC LIMIT ?3";
    ROOMS_OPENING = "SELECT r.active_at_ms, r.room_id, r.head_seq, r.history, m.join_seq FROM members m CROSS JOIN rooms r ON r.room_id = m.room_id
        WHERE m.user_id = ?1 AND m.left_seq IS NULL ORDER BY r.active_at_ms DESC, r.room_id DESC";
    ROOMS_NAMED = concat!("SELECT r.room_id, r.kind, r.name, r.history, r.posting, r.members, r.created_at_ms,
            m.role, r.head_seq, r.n, m.read_seq, m.read_n,
            CASE r.kind WHEN 'direct' THEN (SELECT p.user_id FROM members p WHERE p.room_id = r.room_id AND p.user_id <> ?1 LIMIT 1) END,
            ", event_columns!(e), ", m.draft, m.delivered_seq
        FROM json_each(?2) j CROSS JOIN rooms r ON r.room_id = j.value
        LEFT JOIN members m ON m.room_id = r.room_id AND m.user_id = ?1 AND m.left_seq IS NULL
        LEFT JOIN events e ON e.room_id = r.room_id AND e.timeline = 1 AND e.seq = r.last_seq AND m.role IS NOT NULL");
    ROOM_HEADS = "SELECT r.room_id, r.head_seq FROM json_each(?1) j CROSS JOIN rooms r ON r.room_id = j.value";
    DIRECT_GET = "SELECT room_id, low_added_seq, high_added_seq FROM directs WHERE low_user = ?1 AND high_user = ?2";
    DIRECT_INSERT = "INSERT INTO directs (low_user, high_user, room_id, low_added_seq, high_added_seq) VALUES (?1, ?2, ?3, ?4, ?5)";

    // Members. The index of roles holds only these two, and is used only where a statement says so too.
    MEMBER_GET = "SELECT role, first_seq, join_seq, joined_at_ms, read_seq, read_n, left_seq, delivered_seq, delivered_at_ms, read_at_ms
        FROM members WHERE room_id = ?1 AND user_id = ?2";
    MEMBER_SET = "INSERT INTO members (room_id, user_id, role, first_seq, join_seq, joined_at_ms, read_seq, read_n, left_seq, delivered_seq, delivered_at_ms, read_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (room_id, user_id) DO UPDATE SET role = excluded.role, join_seq = excluded.join_seq,
            joined_at_ms = excluded.joined_at_ms, read_seq = excluded.read_seq, read_n = excluded.read_n, left_seq = excluded.left_seq,
            delivered_seq = excluded.delivered_seq, delivered_at_ms = excluded.delivered_at_ms, read_at_ms = excluded.read_at_ms,
            draft = CASE WHEN excluded.left_seq IS NULL THEN draft END,
            draft_seq = CASE WHEN excluded.left_seq IS NULL THEN draft_seq END";
    MEMBER_MARKS_SET = "UPDATE members SET read_seq = ?3, read_n = ?4, read_at_ms = ?5, delivered_seq = ?6, delivered_at_ms = ?7
        WHERE room_id = ?1 AND user_id = ?2";
    MEMBER_MARKS = "SELECT m.join_seq, m.delivered_seq, m.read_seq, u.read_receipts FROM members m CROSS JOIN users u ON u.user_id = m.user_id
        WHERE m.room_id = ?1 AND m.left_seq IS NULL LIMIT ?2";
    MEMBER_RECEIPTS = concat!("SELECT ", user_columns!(), ", m.join_seq, m.delivered_seq, m.delivered_at_ms, m.read_seq, m.read_at_ms
        FROM members m CROSS JOIN users u ON u.user_id = m.user_id
        WHERE m.room_id = ?1 AND m.left_seq IS NULL AND m.user_id <> ?2 ORDER BY m.user_id LIMIT ?3");
    MEMBER_DRAFT = "SELECT draft, draft_seq FROM members WHERE room_id = ?1 AND user_id = ?2";
    MEMBER_DRAFT_SET = "UPDATE members SET draft = ?3, draft_seq = ?4 WHERE room_id = ?1 AND user_id = ?2";
    MEMBER_OWNER_OTHER = "SELECT 1 FROM members INDEXED BY members_role
        WHERE room_id = ?1 AND role = 'owner' AND role IN ('admin', 'owner') AND left_seq IS NULL AND user_id <> ?2 LIMIT 1";
    MEMBER_ADMIN_OLDEST = "SELECT user_id FROM members INDEXED BY members_role
        WHERE room_id = ?1 AND role = 'admin' AND role IN ('admin', 'owner') AND left_seq IS NULL
        ORDER BY joined_at_ms LIMIT 1";
    MEMBER_OLDEST = "SELECT user_id FROM members WHERE room_id = ?1 AND left_seq IS NULL AND user_id <> ?2
        ORDER BY role = 'member' DESC, joined_at_ms, user_id LIMIT 1";
    MEMBER_ROOMS = "SELECT room_id FROM members WHERE user_id = ?1 AND left_seq IS NULL";
    MEMBER_ROOM_COUNT = "SELECT count(*) FROM members WHERE user_id = ?1 AND left_seq IS NULL";
    MEMBER_PAGE = concat!("SELECT ", user_columns!(), ", m.role, m.joined_at_ms FROM members m CROSS JOIN users u ON u.user_id = m.user_id
        WHERE m.room_id = ?1 AND m.user_id > ?2 AND m.left_seq IS NULL ORDER BY m.user_id LIMIT ?3");
    MEMBER_ROOMS_LEFT = "SELECT room_id, role, joined_at_ms, read_seq FROM members
        WHERE user_id = ?1 AND room_id > ?2 AND left_seq IS NOT NULL ORDER BY room_id LIMIT ?3";
    MEMBER_ROOMS_EVER = "SELECT room_id FROM members WHERE user_id = ?1 AND room_id >= ?2 ORDER BY room_id LIMIT ?3";

    // Users.
    USER_INSERT = "INSERT INTO users (user_id, handle, display_name, rank, password, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    USER_KNOWN = "SELECT 1 FROM users WHERE user_id = ?1";
    USER_RANK = "SELECT rank FROM users WHERE user_id = ?1 AND handle IS NOT NULL";
    USER_OF_HANDLE = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.handle = ?1");
    USER_GET = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.user_id = ?1");
    USERS_RANKED = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.rank = 'owner' AND u.handle IS NOT NULL
        UNION ALL SELECT ", user_columns!(), " FROM users u WHERE u.rank = 'admin' AND u.handle IS NOT NULL LIMIT ?1");
    USERS_NAMED = concat!("SELECT ", user_columns!(), " FROM json_each(?1) j CROSS JOIN users u ON u.user_id = j.value");
    // Those who were in a room of the viewer's while the viewer could see it.
    USERS_VISIBLE = concat!("SELECT ", user_columns!(), " FROM json_each(?2) j CROSS JOIN users u ON u.user_id = j.value
        WHERE u.user_id = ?1 OR EXISTS (
            SELECT 1 FROM members mine
            CROSS JOIN members theirs ON theirs.room_id = mine.room_id AND theirs.user_id = u.user_id
            CROSS JOIN rooms r ON r.room_id = mine.room_id
            WHERE mine.user_id = ?1 AND (mine.left_seq IS NULL OR theirs.first_seq < mine.left_seq)
                AND (theirs.left_seq IS NULL OR r.history = 'all' OR theirs.left_seq > mine.join_seq))");
    USERS_WATCHABLE = "SELECT u.value FROM json_each(?2) u WHERE EXISTS (
            SELECT 1 FROM members mine
            CROSS JOIN members theirs ON theirs.room_id = mine.room_id AND theirs.user_id = u.value AND theirs.left_seq IS NULL
            WHERE mine.user_id = ?1 AND mine.left_seq IS NULL)";
    USER_ANY = "SELECT 1 FROM users WHERE handle > '' LIMIT 1";
    USER_OTHER = "SELECT 1 FROM users WHERE handle > '' AND user_id <> ?1 LIMIT 1";
    USER_OWNER_OTHER = "SELECT 1 FROM users WHERE rank = 'owner' AND handle IS NOT NULL AND user_id <> ?1 LIMIT 1";
    USER_RANK_SET = "UPDATE users SET rank = ?2 WHERE user_id = ?1";
    USER_PROFILE_SET = "UPDATE users SET display_name = ?2, hue = ?3 WHERE user_id = ?1";
    USER_PRIVACY_SET = "UPDATE users SET read_receipts = ?2, last_seen = ?3, seen_at_ms = CASE WHEN ?3 THEN seen_at_ms END WHERE user_id = ?1";
    USER_SEEN_SET = "UPDATE users SET seen_at_ms = max(coalesce(seen_at_ms, 0), ?2) WHERE user_id = ?1 AND last_seen = 1 AND handle IS NOT NULL";
    // When those were last seen who say so: by a connection's end, or by a token that was asked for.
    USERS_SEEN = "SELECT u.user_id, max(coalesce(u.seen_at_ms, 0), coalesce((SELECT max(s.seen_at_ms) FROM sessions s WHERE s.user_id = u.user_id), 0))
        FROM json_each(?1) j CROSS JOIN users u ON u.user_id = j.value WHERE u.last_seen = 1 AND u.handle IS NOT NULL";
    USER_PASSWORD_SET = "UPDATE users SET password = ?2 WHERE user_id = ?1";
    USER_ERASE = "UPDATE users SET handle = NULL, display_name = '', hue = NULL, seen_at_ms = NULL, password = NULL, deleted_at_ms = ?2 WHERE user_id = ?1";
    USER_CREDENTIALS = "SELECT user_id, password FROM users WHERE handle = ?1";
    USER_PASSWORD = "SELECT password FROM users WHERE user_id = ?1";

    // Sessions.
    SESSION_INSERT = "INSERT INTO sessions (session_id, user_id, label, created_at_ms, seen_at_ms, tokens, rotated_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?4, 0, ?4)";
    SESSION_KNOWN = "SELECT 1 FROM sessions WHERE session_id = ?1";
    SESSION_GET = "SELECT session_id, user_id, label, created_at_ms, seen_at_ms FROM sessions
        WHERE session_id = ?1 AND revoked_at_ms IS NULL AND seen_at_ms > ?2";
    SESSIONS_OF = "SELECT session_id, user_id, label, created_at_ms, seen_at_ms FROM sessions
        WHERE user_id = ?1 AND seen_at_ms > ?2 AND revoked_at_ms IS NULL ORDER BY seen_at_ms DESC";
    SESSION_REVOKE = "UPDATE sessions SET revoked_at_ms = ?2 WHERE session_id = ?1 AND revoked_at_ms IS NULL";
    SESSIONS_REVOKED = "SELECT session_id FROM sessions WHERE revoked_at_ms >= ?1";
    SESSIONS_PRUNE = "DELETE FROM sessions WHERE user_id = ?1 AND (seen_at_ms <= ?2 OR revoked_at_ms <= ?3)";
    SESSION_ROTATE = "UPDATE sessions SET previous = ?2, rotated_at_ms = ?3, seen_at_ms = ?3 WHERE session_id = ?1";
    SESSION_TOKEN_NEXT = "UPDATE sessions SET tokens = tokens + 1 WHERE session_id = ?1 RETURNING tokens";
    TOKEN_GET = "SELECT s.session_id, s.user_id, s.seen_at_ms, s.rotated_at_ms, t.used, s.previous IS t.hash
        FROM session_tokens t CROSS JOIN sessions s ON s.session_id = t.session_id
        WHERE t.hash = ?1 AND s.revoked_at_ms IS NULL";
    TOKEN_INSERT = "INSERT INTO session_tokens (hash, session_id, number) VALUES (?1, ?2, ?3)";
    TOKENS_USE = "UPDATE session_tokens SET used = 1 WHERE session_id = ?1 AND used = 0";
    TOKENS_PRUNE = "DELETE FROM session_tokens WHERE session_id = ?1 AND number <= ?2
        AND hash IS NOT (SELECT previous FROM sessions WHERE session_id = ?1)";
    TOKENS_ERASE = "DELETE FROM session_tokens WHERE session_id = ?1";

    // Invites and reset links.
    INVITE_INSERT = "INSERT INTO invites (code, created_by, created_at_ms, expires_at_ms, uses, uses_left) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    INVITE_GET = "SELECT uses_left, expires_at_ms FROM invites WHERE code = ?1";
    INVITE_USE = "UPDATE invites SET uses_left = uses_left - 1 WHERE code = ?1 AND uses_left > 0 AND expires_at_ms > ?2";
    INVITE_DELETE = "DELETE FROM invites WHERE code = ?1";
    INVITES = "SELECT code, created_by, created_at_ms, expires_at_ms, uses, uses_left FROM invites
        WHERE code > '' AND uses_left > 0 AND expires_at_ms > ?1 ORDER BY code";
    INVITES_OF = "SELECT code, created_by, created_at_ms, expires_at_ms, uses, uses_left FROM invites
        WHERE code > '' AND created_by = ?1 ORDER BY code";
    INVITES_PRUNE = "DELETE FROM invites WHERE code > '' AND (expires_at_ms <= ?1 OR uses_left = 0)";
    INVITES_ERASE = "DELETE FROM invites WHERE code > ''";
    INVITE_COUNT = "SELECT count(*) FROM invites WHERE code > ''";
    RESET_SET = "INSERT INTO resets (user_id, token, expires_at_ms) VALUES (?1, ?2, ?3)
        ON CONFLICT (user_id) DO UPDATE SET token = excluded.token, expires_at_ms = excluded.expires_at_ms";
    RESET_USER = concat!("SELECT ", user_columns!(), " FROM resets t CROSS JOIN users u ON u.user_id = t.user_id
        WHERE t.token = ?1 AND t.expires_at_ms > ?2 AND u.handle IS NOT NULL");
    RESET_DELETE = "DELETE FROM resets WHERE user_id = ?1";

    // What is once in the installation, and who did what to it.
    REGISTRATION_GET = "SELECT registration FROM installation WHERE id = 1";
    REGISTRATION_SET = "UPDATE installation SET registration = ?1 WHERE id = 1";
    AUDIT_INSERT = "INSERT INTO audit (at_ms, actor, act, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
    AUDIT_PAGE = "SELECT number, at_ms, actor, act, subject, detail FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2";

    // What a look at the database asks.
    EXAMINE_ROOMS = "SELECT room_id FROM rooms WHERE room_id > 0 ORDER BY room_id";
    EXAMINE_NEWEST = "SELECT max(head_at_ms) FROM rooms WHERE room_id > 0";

    // What the operator sees.
    OPERATOR_USERS = concat!("SELECT ", user_columns!(), ", (SELECT max(s.seen_at_ms) FROM sessions s WHERE s.user_id = u.user_id)
        FROM users u WHERE u.user_id > ?1 AND u.handle IS NOT NULL ORDER BY u.user_id LIMIT ?2");
    OPERATOR_USER = concat!("SELECT ", user_columns!(), ", (SELECT max(s.seen_at_ms) FROM sessions s WHERE s.user_id = u.user_id)
        FROM users u WHERE u.user_id = ?1 AND u.handle IS NOT NULL");
    OPERATOR_ROOMS = "SELECT room_id, kind, name, history, posting, members, n, created_at_ms, active_at_ms FROM rooms
        WHERE room_id > ?1 AND kind <> 'self' ORDER BY room_id LIMIT ?2";
    OPERATOR_ROOM = "SELECT room_id, kind, name, history, posting, members, n, created_at_ms, active_at_ms FROM rooms
        WHERE room_id = ?1 AND kind <> 'self'";
    TOTAL_USERS = "SELECT count(*) FROM users WHERE handle > ''";
    TOTAL_SESSIONS = "SELECT count(*) FROM sessions WHERE session_id > 0 AND revoked_at_ms IS NULL AND seen_at_ms > ?1";
    TOTAL_ROOMS = "SELECT kind, count(*), sum(n) FROM rooms WHERE room_id > 0 GROUP BY kind";
    TOTAL_AUDIT = "SELECT count(*) FROM audit WHERE number > 0";
}
