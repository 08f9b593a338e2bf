//! Every limit of `core::limit` that a client can reach, on the doors where it can. The list of
//! limits is read from that file: one that is neither held here nor said to be held elsewhere fails.

mod crowds;
mod rates;
mod sizes;

/// What holds each limit: the test here, or where else and why.
#[rustfmt::skip]
const HELD: &[(&str, &str)] = &[
    ("TEXT_BYTES_MAX", "sizes::a_text_is_1_to_16384_bytes"),
    ("DRAFT_BYTES_MAX", "chat::drafts::a_draft_is_as_long_as_a_message_may_be"),
    ("FRAME_BYTES_MAX", "sizes::a_frame_and_a_body_are_at_most_64_kib"),
    ("REF_MAX", "sizes::a_ref_is_a_safe_integer"),
    ("FRAME_FRAGMENTS_MAX", "sizes::a_message_has_at_most_1024_fragments"),
    ("PAGE_MAX", "sizes::a_page_is_1_to_100"),
    ("PAGE_DEFAULT", "sizes::a_page_is_1_to_100"),
    ("ROOM_PAGE_MAX", "crowds::rooms_come_in_pages"),
    ("MEMBER_PAGE_MAX", "crowds::members_come_in_pages"),
    ("OPERATOR_PAGE_MAX", "the program's tests/commands/admin.rs: it is no door of a client's"),
    ("CURSORS_MAX", "sizes::a_hello_has_at_most_1000_cursors"),
    ("RESUME_EVENTS_MAX", "resume::a_hundred_missed_events_come_by_themselves"),
    ("RESUME_BYTES_MAX", "resume::what_is_too_much_to_send_is_lagged"),
    ("WATCH_MAX", "sizes::at_most_100_users_are_named"),
    ("USER_LOOKUP_MAX", "sizes::at_most_100_users_are_named"),
    ("USERS_RANKED_MAX", "a thousand accounts are a minute of hashing"),
    ("ROOM_MEMBERS_AT_START_MAX", "crowds::members_come_in_pages"),
    ("GROUP_MEMBERS_MAX", "the store's contract, rooms.rs: 1,025 accounts are a minute of hashing"),
    ("CHANNEL_MEMBERS_MAX", "the store's sqlite.rs, which sets the count in the table"),
    ("ROOMS_PER_USER_MAX", "the store's sqlite.rs, which sets the count in the table"),
    ("SESSIONS_PER_USER_MAX", "crowds::the_session_idle_longest_makes_place"),
    ("INVITES_MAX", "crowds::open_invites_are_bounded"),
    ("INVITE_USES_MAX", "sizes::numbers_have_ends"),
    ("HANDLE_CHARS", "sizes::names_and_passwords_have_ends"),
    ("NAME_BYTES_MAX", "sizes::names_and_passwords_have_ends"),
    ("NAME_GRAPHEMES_MAX", "sizes::names_and_passwords_have_ends"),
    ("GRAPHEME_BYTES_MAX", "sizes::names_and_passwords_have_ends"),
    ("PASSWORD_CHARS_MIN", "sizes::names_and_passwords_have_ends"),
    ("PASSWORD_BYTES_MAX", "sizes::names_and_passwords_have_ends"),
    ("HUE_MAX", "chat::signals::a_new_profile_is_told_to_who_watches_and_to_ones_own_devices"),
    ("ADDRESSES_MAX", "the server's queries/addresses.rs: no test machine has so many"),
    ("IN_FLIGHT_MAX", "chat::commands_are_answered_in_order"),
    ("WRITER_QUEUE_MAX", "codes::a_full_queue_is_busy_on_both_doors_and_loses_nothing"),
    ("BATCH_MAX", "no client sees where a transaction ends"),
    ("READ_QUEUE_MAX", "the store's queue.rs: two readers empty it faster than clients can fill it"),
    ("INBOX_MAX", "the server's shard/inbox.rs: a shard would have to stand still"),
    ("OUTBOX_BYTES_MAX", "resume::a_slow_reader_is_told_that_it_lags"),
    ("OUTBOX_FRAMES_MAX", "core's outbox.rs: bytes run out first"),
    ("LAGGED_ROOMS_MAX", "core's outbox.rs"),
    ("JOIN_HOLD_EVENTS_MAX", "core's hub: it depends on who is faster"),
    ("JOINS_AT_ONCE_MAX", "no client sees it: the others wait"),
    ("GAP_EVENTS_MAX", "core's hub: one node has no gaps"),
    ("HASH_QUEUE_MAX", "codes::a_crowd_at_the_sign_in_is_busy"),
    ("CONNECTIONS_MAX", "more than a test machine has descriptors for"),
    ("PENDING_PER_ADDRESS_MAX", "loopback, where tests are, is exempt"),
    ("RECEIPT_MEMBERS_MAX", "the store's contract, receipts.rs: 1,025 accounts are a minute of hashing"),
    ("DELIVERED_HELD_MAX", "one account says 200 a second: 300 of them would have to"),
    ("SEEN_HELD_MAX", "no client sees it: their last token tells"),
    ("DELIVERED_BATCH_MAX", "no client sees where a write ends"),
    ("RECEIPT_ROOMS_MAX", "no client sees where a read ends"),
    ("RECEIPTS_KEPT_MAX", "no client sees it: they are read again"),
    ("RECEIPTS_EVERY", "chat::receipts, which waits for it"),
    ("HANDSHAKES_AT_ONCE_MAX", "no client sees it: the others wait"),
    ("HANDSHAKE_WITHIN", "tls"),
    ("HELLO_WITHIN", "absence"),
    ("HEADER_WITHIN", "absence"),
    ("BODY_WITHIN", "absence"),
    ("PING_AFTER", "absence"),
    ("DEAD_AFTER", "absence"),
    ("BEAT_EVERY", "absence"),
    ("STALLED_AFTER", "resume::a_slow_reader_is_told_that_it_lags, up to the wait itself"),
    ("OFFLINE_AFTER", "absence"),
    ("GAP_WAIT", "core's hub: one node has no gaps"),
    ("ADDED_WAIT", "core's hub: one node has no gaps"),
    ("DRAIN_WITHIN", "the server's run.rs: it takes ten thousand connections to come so far"),
    ("ACCESS_TOKEN_S", "accounts::an_access_token_is_good_for_ten_minutes; its end in auth/token"),
    ("REFRESH_GRACE_S", "the store's contract, sessions.rs, whose clock is an argument"),
    ("SESSION_IDLE_DAYS", "headers::the_cookie_is_out_of_reach, and the store's contract"),
    ("RESET_LINK_H", "accounts::a_reset_link_works_once"),
    ("SEND_RATE", "rates"),
    ("COMMAND_RATE", "rates"),
    ("DELIVERED_RATE", "chat::receipts"),
    ("SIGNAL_RATE", "rates"),
    ("LOGIN_RATE", "rates"),
    ("LOGIN_ANYWHERE_RATE", "the server's throttle.rs: a hundred networks are more than a test has"),
    ("ADDRESS_RATE", "rates"),
    ("LOOKUP_RATE", "rates"),
];

#[test]
fn every_limit_is_held_somewhere() {
    let source = include_str!("../../../core/src/limit.rs");
    let names: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split(':').next())
        .collect();
    assert!(names.len() > 40, "the file has another form now");
    for name in &names {
        assert!(HELD.iter().any(|(held, _)| held == name), "nothing holds {name}");
    }
    for (held, _) in HELD {
        assert!(names.contains(held), "{held} is no limit");
    }
}
