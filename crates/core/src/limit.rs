//! Every limit, with its unit and its reason.

use std::time::Duration;

/// Bytes of UTF-8 in one message: the figure that the best systems settled on (16,383 to 65,536).
pub const TEXT_BYTES_MAX: usize = 16_384;
/// Bytes of UTF-8 in a draft: what can become a message.
pub const DRAFT_BYTES_MAX: usize = TEXT_BYTES_MAX;
/// Bytes in one frame or REST body: the longest text with every character that JSON must escape (at
/// most twice its bytes) or that is not ASCII (`\u00e9`, at most three times) escaped, and room around
/// it. Plain ASCII written as `\u0061` is six times as long; so written, a text ends near 10,900.
pub const FRAME_BYTES_MAX: usize = 65_536;
/// The largest `ref` of a command: the largest integer that every reader of JSON keeps (RFC 8259, 6).
pub const REF_MAX: u64 = (1 << 53) - 1;
/// Fragments of one WebSocket message: a browser sends one; more is an attack on memory.
pub const FRAME_FRAGMENTS_MAX: usize = 1_024;
/// Events or messages in one page.
pub const PAGE_MAX: usize = 100;
/// Messages in a page when none is asked for: about two screens.
pub const PAGE_DEFAULT: usize = 50;
/// Rooms in one page of the list.
pub const ROOM_PAGE_MAX: usize = 100;
/// Members in one page.
pub const MEMBER_PAGE_MAX: usize = 200;
/// Rows in one page of what the operator reads: a table that still scrolls by.
pub const OPERATOR_PAGE_MAX: usize = 1_000;
/// Cursors in one `hello`.
pub const CURSORS_MAX: usize = 1_000;
/// Missed events sent for one room after `ready`; beyond it the client pages.
pub const RESUME_EVENTS_MAX: usize = 100;
/// Bytes of missed events sent after one `ready`; rooms beyond it are `lagged`.
pub const RESUME_BYTES_MAX: usize = 256 * 1_024;
/// Users whom one connection may watch: those on the screen.
pub const WATCH_MAX: usize = 100;
/// Users named in one look-up.
pub const USER_LOOKUP_MAX: usize = 100;
/// Owners and admins of the installation that are listed: more than one could keep an eye on.
pub const USERS_RANKED_MAX: usize = 1_000;
/// Members named when a room is made.
pub const ROOM_MEMBERS_AT_START_MAX: usize = 100;
/// Members of a group, as in the best known of the kind.
pub const GROUP_MEMBERS_MAX: u64 = 1_024;
/// Members of a room that keeps receipts: "read by all" of more is never true, and who has not is a
/// list that nobody reads.
pub const RECEIPT_MEMBERS_MAX: u64 = 1_024;
/// Marks of delivery gathered by one shard until they go to the writer; beyond it they are refused as
/// `busy`.
pub const DELIVERED_HELD_MAX: usize = 65_536;
/// Marks of delivery, or times at which users were last seen, in one write: at about 8 µs each, two
/// milliseconds that who sends may have to wait.
pub const DELIVERED_BATCH_MAX: usize = 256;
/// Users whose going waits to be written down; beyond it their last token tells when they were here.
pub const SEEN_HELD_MAX: usize = 65_536;
/// Rooms whose ticks are worked out in one round; the others wait for the next.
pub const RECEIPT_ROOMS_MAX: usize = 256;
/// Rooms whose ticks are kept at hand; beyond it they are worked out again when they are asked for.
pub const RECEIPTS_KEPT_MAX: usize = 16_384;
/// Members of a channel.
pub const CHANNEL_MEMBERS_MAX: u64 = 100_000;
/// Rooms that one user may be in.
pub const ROOMS_PER_USER_MAX: u64 = 10_000;
/// Sessions that one user may hold open; a new one past it ends the one idle longest.
pub const SESSIONS_PER_USER_MAX: u64 = 50;
/// Invites to the installation that are open at once.
pub const INVITES_MAX: u64 = 1_000;
/// Uses that one invite may allow.
pub const INVITE_USES_MAX: u32 = 10_000;
/// Characters of a handle: ASCII lower case, digits, `_` and `.`.
pub const HANDLE_CHARS: std::ops::RangeInclusive<usize> = 3..=32;
/// Bytes of a display name or room name; of what a person sees at once.
pub const NAME_BYTES_MAX: usize = 256;
/// Characters of a name as a person counts them (grapheme clusters, UAX #29).
pub const NAME_GRAPHEMES_MAX: usize = 64;
/// Bytes of one character (grapheme cluster) in a name: a family emoji is 25, "zalgo" is hundreds.
pub const GRAPHEME_BYTES_MAX: usize = 40;
/// The last angle of the colour wheel, in degrees: 360 is 0 again.
pub const HUE_MAX: u16 = 359;
/// Characters of a password at least (NIST SP 800-63B), and bytes at most, so that hashing is bounded.
pub const PASSWORD_CHARS_MIN: usize = 8;
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// Commands of one connection that the writer holds at once; the socket is not read beyond it.
pub const IN_FLIGHT_MAX: u32 = 64;
/// Commands that wait for the writer; beyond it they are refused as `busy`.
pub const WRITER_QUEUE_MAX: usize = 8_192;
/// Commands in one transaction: beyond it the first to wait would feel the batch.
pub const BATCH_MAX: usize = 1_024;
/// Reads that wait for a reader of the database; beyond it they are refused as `busy`.
pub const READ_QUEUE_MAX: usize = 512;
/// Messages that wait for one shard, most of them one transaction each: seconds of its standing
/// still. Beyond it typing is dropped, new connections are refused, and transactions are forgotten:
/// then all its connections are closed and resume from the log.
pub const INBOX_MAX: usize = 16_384;
/// Addresses of its own that a server names to people: more is a list that nobody reads.
pub const ADDRESSES_MAX: usize = 16;
/// Bytes that wait for one slow reader; beyond it the backlog is forgotten and it is told to resume.
pub const OUTBOX_BYTES_MAX: usize = 1_024 * 1_024;
/// Frames that wait for one slow reader, for the same reason.
pub const OUTBOX_FRAMES_MAX: usize = 4_096;
/// Rooms that one slow reader can be behind in before its connection is closed and resumes by
/// `hello`.
pub const LAGGED_ROOMS_MAX: usize = 1_000;
/// Events held for connections whose snapshot is being read.
pub const JOIN_HOLD_EVENTS_MAX: usize = 16_384;
/// Snapshots read at once for one shard; the others wait, so that events are held only briefly.
pub const JOINS_AT_ONCE_MAX: usize = 32;
/// Events of one room held because an earlier one is missing.
pub const GAP_EVENTS_MAX: usize = 1_024;
/// Password hashes computed at once would take the processors from the chat: one in two, at least
/// one, and so many wait.
pub const HASH_QUEUE_MAX: usize = 256;
/// Connections open at once when no lower limit of the system binds.
pub const CONNECTIONS_MAX: usize = 100_000;
/// Connections from one address that have not yet shown a token.
pub const PENDING_PER_ADDRESS_MAX: usize = 256;

/// TLS handshakes in progress on one shard: each holds buffers and wants signatures of the processor. The
/// others wait, within the time that a handshake has.
pub const HANDSHAKES_AT_ONCE_MAX: usize = 256;

/// The first frame must come within this time.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// A TLS handshake must be over within this time.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A request's header must be complete within this time.
pub const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// A request's body must be complete within this time.
pub const BODY_WITHIN: Duration = Duration::from_secs(30);
/// A connection that was silent this long is asked for a sign of life.
pub const PING_AFTER: Duration = Duration::from_secs(25);
/// A connection that was silent this long is dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(45);
/// An event stream gets a sign of life this often: silence of 30 s is death for its client, and a peer
/// that is gone is found this long and [`STALLED_AFTER`] later at the latest.
pub const BEAT_EVERY: Duration = Duration::from_secs(10);
/// A reader none of whose bytes leave for this long is dead.
pub const STALLED_AFTER: Duration = Duration::from_secs(30);
/// Someone whose last connection closed is shown as away after this time: a reload is no absence.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(15);
/// An event that came before its predecessor waits this long before the gap is read from the log.
pub const GAP_WAIT: Duration = Duration::from_millis(10);
/// Who was told of being added to a room is told of the joining within this time, by whatever way.
pub const ADDED_WAIT: Duration = Duration::from_secs(1);
/// A room's ticks are told at most this often, and marks of delivery wait as long for the writer.
pub const RECEIPTS_EVERY: Duration = Duration::from_secs(1);
/// Time that a leaving node gives its clients to come back elsewhere.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// Seconds that an access token is good for.
pub const ACCESS_TOKEN_S: u64 = 600;
/// Seconds that the refresh token before the last one still works: two tabs, a lost answer.
pub const REFRESH_GRACE_S: u64 = 60;
/// Days that a session lives without being used.
pub const SESSION_IDLE_DAYS: u64 = 60;
/// Hours that an owner's reset link is good for.
pub const RESET_LINK_H: u64 = 24;

/// A rate: so many at once, and so many a second after that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub burst: u32,
    pub per_second: f64,
}

/// Messages that one account may send.
pub const SEND_RATE: Rate = Rate { burst: 30, per_second: 10.0 };
/// Commands and requests of any kind from one account.
pub const COMMAND_RATE: Rate = Rate { burst: 200, per_second: 50.0 };
/// Marks of delivery from one account: its clients say them by themselves, at most 32 a second each, so
/// they must not use up what a person may ask for.
pub const DELIVERED_RATE: Rate = Rate { burst: 1_000, per_second: 200.0 };
/// Typing and the like from one account; what is above is dropped unseen.
pub const SIGNAL_RATE: Rate = Rate { burst: 20, per_second: 5.0 };
/// Passwords tried for one handle from one network, or by one session for its own account; open
/// sessions are not touched by it.
pub const LOGIN_RATE: Rate = Rate { burst: 10, per_second: 1.0 / 60.0 };
/// Passwords tried for one handle from anywhere: more than one network gets through, so that nobody
/// alone keeps another out, and less than guessing needs.
pub const LOGIN_ANYWHERE_RATE: Rate = Rate { burst: 100, per_second: 100.0 / 3_600.0 };
/// Requests from one address at the doors that need no token.
pub const ADDRESS_RATE: Rate = Rate { burst: 60, per_second: 2.0 };
/// Look-ups of handles by one account, so that nobody walks through the directory.
pub const LOOKUP_RATE: Rate = Rate { burst: 30, per_second: 1.0 / 20.0 };
