// Generated from crates/proto. Write it anew with: cargo xtask types

export type ErrorCode = "invalid" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "key_conflict" | "taken" | "too_large" | "rate_limited" | "busy" | "unavailable";

export type Problem = { code: ErrorCode, 
/**
 * A sentence for the one who wrote the client, in English.
 */
message: string, 
/**
 * The field that is wrong, as a path (`members[2]`).
 */
field?: string, 
/**
 * Milliseconds after which trying again makes sense.
 */
retry_after_ms?: number, };

export type Hello = { 
/**
 * The access token.
 */
token: string, 
/**
 * The epoch that the cursors belong to.
 */
epoch?: string, 
/**
 * For each room that is to be resumed, the last `seq` that was applied. At most 1,000.
 */
cursors?: Array<[string, number]>, };

export type MessageSend = { 
/**
 * The client's own number for the command; its answer carries the same.
 */
ref: number, room: string, key: string, 
/**
 * 1 to 16,384 bytes.
 */
text: string, };

export type MessageDelete = { ref: number, room: string, key: string, 
/**
 * The message's `seq`.
 */
target: number, };

export type RoomList = { ref: number, 
/**
 * `next` of the page before; the first page without it.
 */
after?: string, };

export type RoomGet = { ref: number, room: string, };

export type RoomSync = { ref: number, room: string, after: number, 
/**
 * 1 to 100; 100 without it.
 */
limit?: number, };

export type ReceiptSet = { 
/**
 * Without it no reply comes.
 */
ref?: number, room: string, read?: number, delivered?: number, };

export type DraftSet = { ref: number, room: string, key: string, 
/**
 * At most 16,384 bytes; empty where there is nothing any more.
 */
text: string, };

export type TypingSet = { room: string, on: boolean, };

export type PresenceWatch = { users: Array<string>, };

export type ClientFrame = { "type": "hello" } & Hello | { "type": "message.send" } & MessageSend | { "type": "message.delete" } & MessageDelete | { "type": "room.list" } & RoomList | { "type": "room.get" } & RoomGet | { "type": "room.sync" } & RoomSync | { "type": "receipt.set" } & ReceiptSet | { "type": "draft.set" } & DraftSet | { "type": "typing.set" } & TypingSet | { "type": "presence.watch" } & PresenceWatch | { "type": "ping" };

export type Limits = { text_bytes: number, frame_bytes: number, in_flight: number, page: number, cursors: number, watch: number, };

export type Ready = { epoch: string, 
/**
 * True where the epoch or a cursor is not of this history: read everything afresh, keep what
 * is unsent.
 */
reset: boolean, session: string, user: Me, 
/**
 * My first 100 rooms, the most recent first.
 */
rooms: Array<Room>, 
/**
 * The names of those who appear in `rooms`.
 */
users: Array<UserName>, 
/**
 * Where there are more rooms: what `room.list` takes as `after`.
 */
next?: string, 
/**
 * True where there are more rooms.
 */
more: boolean, 
/**
 * On an event stream: its name, for `/v1/stream/{stream}/…`.
 */
stream?: string, limits: Limits, 
/**
 * The server's clock, Unix milliseconds.
 */
now_ms: number, };

export type Event = { room: string, 
/**
 * Its number in the room: 1, 2, 3 … with no hole.
 */
seq: number, 
/**
 * A message's ordinal among the room's messages.
 */
n?: number, id: string, 
/**
 * The key that the sender gave.
 */
key?: string, 
/**
 * `message`, `deletion`, `room_created`, `room_updated`, `member_joined`, `member_left`,
 * `member_role`; in a `self` room also `room_added`, `room_removed`, `room_read`, `draft`. Skip
 * what you do not know, but count its `seq`.
 */
kind: string, from: string, at_ms: number, 
/**
 * On a message in a page, or a draft that was superseded: the `seq` of the last change to it. Skip
 * a change that is not above.
 */
rev?: number, 
/**
 * None where it was erased.
 */
body: Record<string, unknown> | null, };

export type Reply = { ref: number, 
/**
 * Of the event that the command made.
 */
seq?: number, n?: number, id?: string, at_ms?: number, 
/**
 * Of `room.sync`: the room's newest event when the log was read.
 */
head_seq?: number, 
/**
 * Of `room.sync` and `room.list`: there is more.
 */
more?: boolean, 
/**
 * Of `room.list`: what gives the next page.
 */
next?: string, 
/**
 * Of `room.list` and `room.get`.
 */
rooms?: Array<Room>, 
/**
 * The names of those who appear in `rooms`.
 */
users?: Array<UserName>, };

export type ErrorFrame = { ref?: number, code: ErrorCode, message: string, field?: string, retry_after_ms?: number, };

export type SignalFrame = { "kind": "typing", room: string, user: string, on: boolean, } | { "kind": "presence", user: string, online: boolean, } | { "kind": "profile", user: UserName, };

export type ReceiptFrame = { room: string, 
/**
 * From the message with this `seq` on …
 */
delivered_from?: number, 
/**
 * … to this one all the others who were there have received each.
 */
delivered_all?: number, 
/**
 * From the message with this `seq` on …
 */
read_from?: number, 
/**
 * … to this one all the others who were there, and let it be known, have read each.
 */
read_all?: number, };

export type Lagged = { room: string, head_seq: number, };

export type Drain = { within_ms: number, };

export type ServerFrame = { "type": "ready" } & Ready | { "type": "event" } & Event | { "type": "reply" } & Reply | { "type": "error" } & ErrorFrame | { "type": "signal" } & SignalFrame | { "type": "receipt" } & ReceiptFrame | { "type": "lagged" } & Lagged | { "type": "drain" } & Drain | { "type": "pong" };

export type Register = { 
/**
 * 3 to 32 of `a-z`, `0-9`, `_` and `.`; unique.
 */
handle: string, 
/**
 * At least 8 characters, at most 1,024 bytes.
 */
password: string, 
/**
 * 1 to 64 characters; the handle without it.
 */
display_name?: string, 
/**
 * The code of an invite, where registration asks for one.
 */
invite?: string, 
/**
 * `body` for a program that cannot keep a cookie.
 */
refresh?: RefreshBy, };

export type Login = { handle: string, password: string, refresh?: RefreshBy, };

export type RefreshBy = "cookie" | "body";

export type Refresh = { refresh_token?: string, };

export type Tokens = { 
/**
 * For `Authorization: Bearer` and `hello`.
 */
access_token: string, 
/**
 * Seconds that it is good for.
 */
expires_in_s: number, 
/**
 * Where the body was asked for; use each once.
 */
refresh_token?: string, user: Me, };

export type PasswordChange = { old: string, new: string, };

export type PasswordReset = { 
/**
 * What follows `#reset=` in the link.
 */
token: string, new: string, };

export type Me = { id: string, handle: string, display_name: string, 
/**
 * In the installation: `member`, `admin` or `owner`.
 */
rank: string, created_at_ms: number, 
/**
 * The colour of the picture: 0 to 359 degrees of the wheel. Without it choose one by the id.
 */
hue?: number, 
/**
 * Whether I give and get read receipts.
 */
read_receipts?: boolean, 
/**
 * Whether I say when I was last seen, and am told so of others.
 */
last_seen?: boolean, };

export type MePatch = { display_name?: string, 
/**
 * 0 to 359.
 */
hue?: number, 
/**
 * Off: I give no read receipts and get none.
 */
read_receipts?: boolean, 
/**
 * Off: I do not say when I was last seen, and am not told so of others.
 */
last_seen?: boolean, };

export type MeDelete = { password: string, };

export type UserName = { id: string, 
/**
 * Empty for an account that was deleted.
 */
handle: string, display_name: string, 
/**
 * The colour of the picture: 0 to 359 degrees of the wheel. Without it choose one by the id.
 */
hue?: number, 
/**
 * In the installation: `admin` or `owner`. In the list of `ranked=true` alone.
 */
rank?: string, };

export type Users = { users: Array<UserName>, };

export type Session = { id: string, 
/**
 * True for the one that asks.
 */
current: boolean, 
/**
 * What its browser or program called itself, shortened.
 */
label: string, created_at_ms: number, 
/**
 * When it last asked for an access token.
 */
seen_at_ms: number, };

export type Sessions = { sessions: Array<Session>, };

export type RankPut = { 
/**
 * `member`, `admin` or `owner`.
 */
rank: string, };

export type InviteCreate = { 
/**
 * Seconds until it expires; a week without it, at most a year.
 */
expires_in_s?: number, 
/**
 * How many may register with it; one without it.
 */
uses?: number, };

export type Invite = { code: string, 
/**
 * The link to pass on.
 */
link: string, created_by: string, created_at_ms: number, expires_at_ms: number, uses: number, uses_left: number, };

export type Invites = { invites: Array<Invite>, };

export type ResetLink = { link: string, expires_at_ms: number, };

export type Installation = { 
/**
 * `open`, `invite` or `closed`.
 */
registration: string, 
/**
 * True until the first account, which will own the installation.
 */
empty: boolean, version: string, };

export type Addresses = { 
/**
 * The best first, at most 16; none where it is reached from its own machine alone.
 */
urls: Array<string>, };

export type Room = { id: string, 
/**
 * `direct`, `group`, `channel` or `self`.
 */
kind: string, 
/**
 * None for a direct room (show `peer`) and for one's own.
 */
name: string | null, 
/**
 * What of the time before joining is seen: `all` or `since_join`.
 */
history: string, 
/**
 * Who may post: `members` or `admins`.
 */
posting: string, 
/**
 * My role: `reader`, `member`, `admin` or `owner`; none where I am no member.
 */
role: string | null, 
/**
 * The other one in a direct room.
 */
peer?: string, members: number, 
/**
 * The newest event.
 */
head_seq: number, 
/**
 * Messages so far; unread is `n` less `read_n`.
 */
n: number, read_seq: number, read_n: number, 
/**
 * What I have received; say so where it is less than I have.
 */
delivered_seq?: number, 
/**
 * How far all the others have come.
 */
receipts?: Receipts, created_at_ms: number, 
/**
 * The newest in the timeline that I may see.
 */
last: Event | null, 
/**
 * What I have begun to write here, on whichever device.
 */
draft?: string, };

export type Receipts = { 
/**
 * From the message with this `seq` on …
 */
delivered_from?: number, 
/**
 * … to this one all the others who were there have received each.
 */
delivered_all?: number, 
/**
 * From the message with this `seq` on …
 */
read_from?: number, 
/**
 * … to this one all the others who were there, and let it be known, have read each.
 */
read_all?: number, };

export type Rooms = { rooms: Array<Room>, 
/**
 * The names of those who appear in `rooms`.
 */
users: Array<UserName>, 
/**
 * What gives the next page as `after`; none where this was the last.
 */
next?: string, };

export type RoomCreate = { key?: string, 
/**
 * `direct`, `group` or `channel`.
 */
kind: string, 
/**
 * Of a group or channel: 1 to 64 characters.
 */
name?: string, 
/**
 * Of a direct room exactly the other one; of the others up to 100 who come in at once.
 */
members?: Array<string>, };

export type RoomPatch = { key?: string, name?: string, history?: string, posting?: string, };

export type Keyed = { key?: string, };

export type MemberPut = { key?: string, 
/**
 * `reader`, `member` (without it), `admin` or `owner`.
 */
role?: string, };

export type Member = { user: UserName, role: string, joined_at_ms: number, };

export type Members = { members: Array<Member>, next?: string, };

export type MessagePost = { 
/**
 * Without one a retry makes a second message.
 */
key?: string, 
/**
 * 1 to 16,384 bytes.
 */
text: string, };

export type Posted = { seq: number, n?: number, id: string, at_ms: number, };

export type Messages = { epoch: string, messages: Array<Event>, head_seq: number, };

export type Events = { epoch: string, events: Array<Event>, head_seq: number, };

export type Receipt = { read?: number, delivered?: number, };

export type MemberReceipt = { user: UserName, 
/**
 * Where the membership begins.
 */
from_seq: number, delivered_seq: number, 
/**
 * When that moved last, which is not before they received s; 0 where it is not known.
 */
delivered_at_ms: number, 
/**
 * None where one of us has switched read receipts off.
 */
read_seq?: number, 
/**
 * When that moved last, which is not before they read s; 0 where it is not known.
 */
read_at_ms?: number, };

export type MemberReceipts = { receipts: Array<MemberReceipt>, };

export type DraftPut = { key?: string, 
/**
 * At most 16,384 bytes; empty where there is nothing any more.
 */
text: string, };

export type Presence = { user: string, online: boolean, 
/**
 * When the last connection ended, Unix milliseconds; none where one of us does not say so.
 */
last_seen_ms?: number, };

export type Presences = { presence: Array<Presence>, };

export type Typing = { on: boolean, };
