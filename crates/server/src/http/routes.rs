//! The table of the REST door: every route with its gate, its shapes and its handler. The router,
//! the OpenAPI document and the authorisation matrix of the tests are all made from it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, patch, post, put};
use chinwag_core::limit::PAGE_MAX;
use chinwag_proto::{frame, rest};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::app::App;
use crate::commands::{
    account, draft_set, invite, member, message_delete, message_send, rank, receipt_set, reset,
    room_create, room_update, session, typing_set,
};
use crate::queries::{
    addresses, export, installation, invites, log, me, members, presence, receipts, room_get,
    rooms, sessions, timeline, users,
};
use crate::{openapi, telemetry};

/// Who may knock at all. What one may do inside is decided by `core::access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Anyone; counted by address where it costs something.
    Open,
    /// The bearer of an access token.
    Token,
    /// A loopback peer, and only while nothing says that the server is public.
    Loopback,
}

/// One route.
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub gate: Gate,
    pub summary: &'static str,
    pub query: &'static [Field],
    pub request: Option<Shape>,
    /// The statuses of success, and what comes with them.
    pub answers: &'static [(u16, Option<Shape>)],
    pub(crate) handler: fn() -> MethodRouter<Arc<App>>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A field behind the `?`: its name, what it holds, and what it is.
pub type Field = (&'static str, Holds, &'static str);

/// What a field behind the `?` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Text,
    /// A `seq`.
    Seq,
    /// A moment, Unix milliseconds.
    Ms,
    /// How many, from 1 to this.
    UpTo(usize),
    /// `true` or `false`.
    Flag,
}

/// A type of the wire, for the documents.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub name: fn() -> Cow<'static, str>,
    pub schema: fn() -> RefOr<Schema>,
    pub nested: fn(&mut Vec<(String, RefOr<Schema>)>),
}

pub(crate) const fn shape<T: ToSchema>() -> Shape {
    Shape { name: T::name, schema: <T as PartialSchema>::schema, nested: T::schemas }
}

const NO_QUERY: &[Field] = &[];
const DONE: &[(u16, Option<Shape>)] = &[(204, None)];
const MADE: &[(u16, Option<Shape>)] =
    &[(201, Some(shape::<rest::Posted>())), (200, Some(shape::<rest::Posted>())), (204, None)];
const SIGNED_IN: &[(u16, Option<Shape>)] = &[(200, Some(shape::<rest::Tokens>()))];
const TEXT: &[(u16, Option<Shape>)] = &[(200, None)];
const AFTER: Field = ("after", Holds::Text, "`next` of the page before");
const PAGE: &[Field] = &[
    ("before", Holds::Seq, "the newest below this `seq`"),
    ("after", Holds::Seq, "the oldest above this `seq`"),
    ("around", Holds::Seq, "half up to this `seq`, half above"),
    ("at", Holds::Ms, "the same around the first at this time or later (Unix milliseconds)"),
    ("limit", Holds::UpTo(PAGE_MAX), "50 without it"),
];
const LOG_PAGE: &[Field] = &[
    ("after", Holds::Seq, "the oldest above this `seq`; 0 without it"),
    ("limit", Holds::UpTo(PAGE_MAX), "100 without it"),
];

use Gate::{Loopback, Open, Token};

/// Shortens a row.
const fn row(
    method: &'static str,
    path: &'static str,
    gate: Gate,
    summary: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    Route { method, path, gate, summary, query: NO_QUERY, request: None, answers: DONE, handler }
}

impl Route {
    const fn takes<T: ToSchema>(self) -> Self {
        Self { request: Some(shape::<T>()), ..self }
    }

    const fn query(self, query: &'static [Field]) -> Self {
        Self { query, ..self }
    }

    const fn gives(self, answers: &'static [(u16, Option<Shape>)]) -> Self {
        Self { answers, ..self }
    }
}

macro_rules! of {
    ($type:ty) => {
        &[(200, Some(shape::<$type>()))]
    };
    ($status:literal, $type:ty) => {
        &[($status, Some(shape::<$type>()))]
    };
}

/// Every route but the WebSocket at `/v1/ws`, the event stream at `/v1/stream` and the web app's files.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    row("GET", "/v1/installation", Open, "Whether and how one may register.", || get(installation::get)).gives(of!(rest::Installation)),
    row("GET", "/v1/addresses", Token, "Under which addresses others reach this server, the best first.", || get(addresses::get)).gives(of!(rest::Addresses)),
    row("POST", "/v1/auth/register", Open, "Make an account and sign in.", || post(account::register)).takes::<rest::Register>().gives(of!(201, rest::Tokens)),
    row("POST", "/v1/auth/login", Open, "Sign in.", || post(session::login)).takes::<rest::Login>().gives(SIGNED_IN),
    row("POST", "/v1/auth/refresh", Open, "Get a new access token; the refresh token is rotated.", || post(session::refresh)).takes::<rest::Refresh>().gives(SIGNED_IN),
    row("POST", "/v1/auth/reset", Open, "Set a new password with an owner's reset link. All sessions end.", || post(reset::redeem)).takes::<rest::PasswordReset>(),
    row("POST", "/v1/auth/logout", Token, "Sign out: this session ends.", || post(session::logout)),
    row("POST", "/v1/auth/password", Token, "Change the password: all other sessions end.", || post(account::password)).takes::<rest::PasswordChange>(),
    row("GET", "/v1/me", Token, "Who I am.", || get(me::get)).gives(of!(rest::Me)),
    row("PATCH", "/v1/me", Token, "Change my profile. Those who have me on the screen are told.", || patch(account::patch)).takes::<rest::MePatch>().gives(of!(rest::Me)),
    row("DELETE", "/v1/me", Token, "Delete my account. My messages stay, from a nameless user.", || delete(account::delete)).takes::<rest::MeDelete>(),
    row("GET", "/v1/me/export", Token, "All that is kept of me, as JSON lines.", || get(export::get)).gives(TEXT),
    row("GET", "/v1/sessions", Token, "My signed-in devices and browsers.", || get(sessions::get)).gives(of!(rest::Sessions)),
    row("DELETE", "/v1/sessions/{session}", Token, "Sign one of them out.", || delete(session::revoke)),
    row("GET", "/v1/users", Token, "Someone by exact handle, those of `ids` whom I share a room with, or who governs the installation.", || get(users::get)).query(&[("handle", Holds::Text, "an exact handle"), ("ids", Holds::Text, "up to 100 ids, with commas between"), ("ranked", Holds::Flag, "`true`: the owners and admins of the installation, with their rank; for them alone")]).gives(of!(rest::Users)),
    row("POST", "/v1/users/{user}/reset", Token, "Make a link with which this user sets a new password. Owner and admins.", || post(reset::post)).gives(of!(201, rest::ResetLink)),
    row("PUT", "/v1/users/{user}/rank", Token, "Give this user a rank in the installation. Its owner.", || put(rank::put)).takes::<rest::RankPut>(),
    row("GET", "/v1/presence", Token, "Who of these is online; those I share no room with are left out.", || get(presence::get)).query(&[("users", Holds::Text, "up to 100 ids, with commas between")]).gives(of!(rest::Presences)),
    row("PUT", "/v1/stream/{stream}/watch", Token, "These users are on my screen: tell me on this event stream who is online.", || put(presence::watch)).takes::<frame::PresenceWatch>(),
    row("POST", "/v1/stream/{stream}/ping", Token, "Say `pong` on this event stream.", || post(presence::ping)),
    row("GET", "/v1/invites", Token, "The open invites to the installation. Owner and admins.", || get(invites::get)).gives(of!(rest::Invites)),
    row("POST", "/v1/invites", Token, "Make one. Owner and admins.", || post(invite::post)).takes::<rest::InviteCreate>().gives(of!(201, rest::Invite)),
    row("DELETE", "/v1/invites/{code}", Token, "Withdraw one. Owner and admins.", || delete(invite::delete)),
    row("GET", "/v1/rooms", Token, "My rooms, most recent first; or the channels one may join.", || get(rooms::get)).query(&[("listed", Holds::Flag, "`true`: the channels one may join"), AFTER]).gives(of!(rest::Rooms)),
    row("POST", "/v1/rooms", Token, "Make a room; a direct room that exists is found (200).", || post(room_create::post)).takes::<rest::RoomCreate>().gives(&[(201, Some(shape::<rest::Room>())), (200, Some(shape::<rest::Room>()))]),
    row("GET", "/v1/rooms/{room}", Token, "One room, as the list has it.", || get(room_get::get)).gives(of!(rest::Room)),
    row("PATCH", "/v1/rooms/{room}", Token, "Rename it, or change who may post and what of the past is seen.", || patch(room_update::patch)).takes::<rest::RoomPatch>().gives(MADE),
    row("POST", "/v1/rooms/{room}/join", Token, "Join a channel.", || post(member::join)).takes::<rest::Keyed>().gives(MADE),
    row("POST", "/v1/rooms/{room}/leave", Token, "Leave a room.", || post(member::leave)).takes::<rest::Keyed>().gives(MADE),
    row("GET", "/v1/rooms/{room}/members", Token, "Who is in it.", || get(members::get)).query(&[AFTER]).gives(of!(rest::Members)),
    row("PUT", "/v1/rooms/{room}/members/{user}", Token, "Add a member, or give one another role.", || put(member::put)).takes::<rest::MemberPut>().gives(MADE),
    row("DELETE", "/v1/rooms/{room}/members/{user}", Token, "Remove a member.", || delete(member::delete)).takes::<rest::Keyed>().gives(MADE),
    row("GET", "/v1/rooms/{room}/messages", Token, "A page of the timeline: each message in its current form, notices too, ascending.", || get(timeline::get)).query(PAGE).gives(of!(rest::Messages)),
    row("POST", "/v1/rooms/{room}/messages", Token, "Post a message. The same key again gives the same answer (200).", || post(message_send::post)).takes::<rest::MessagePost>().gives(MADE),
    row("DELETE", "/v1/rooms/{room}/messages/{seq}", Token, "Erase a message.", || delete(message_delete::delete)).takes::<rest::Keyed>().gives(MADE),
    row("GET", "/v1/rooms/{room}/events", Token, "A page of the log, ascending, for clients that sync.", || get(log::get)).query(LOG_PAGE).gives(of!(rest::Events)),
    row("GET", "/v1/rooms/{room}/receipts", Token, "How far each of the others has come, and when; in rooms of up to 1,024.", || get(receipts::get)).gives(of!(rest::MemberReceipts)),
    row("PUT", "/v1/rooms/{room}/receipt", Token, "Say how far I have received, or read.", || put(receipt_set::put)).takes::<rest::Receipt>(),
    row("PUT", "/v1/rooms/{room}/draft", Token, "Keep what I have begun to write, for my other devices.", || put(draft_set::put)).takes::<rest::DraftPut>().gives(MADE),
    row("PUT", "/v1/rooms/{room}/typing", Token, "Say that I type; true for 6 s.", || put(typing_set::put)).takes::<rest::Typing>(),
    row("GET", "/metrics", Loopback, "The server's figures, for Prometheus (OpenMetrics text).", || get(telemetry::metrics)).gives(TEXT),
    row("GET", "/livez", Open, "200 while the process lives.", || get(telemetry::livez)).gives(TEXT),
    row("GET", "/readyz", Open, "200 while it can serve; 503 while it drains or its disk fails.", || get(telemetry::readyz)).gives(TEXT),
    row("GET", "/openapi.json", Open, "This REST door, described (OpenAPI 3.1).", || get(openapi::get)).gives(TEXT),
    row("GET", "/asyncapi.json", Open, "The WebSocket, described (AsyncAPI 3).", || get(crate::asyncapi::get)).gives(TEXT),
];
