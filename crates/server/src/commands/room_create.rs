//! Make a room, or find the direct room of two.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::access::RoomKind;
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::limit::ROOM_MEMBERS_AT_START_MAX;
use chinwag_core::text::Name;
use chinwag_proto::code::Problem;
use chinwag_proto::encode;
use chinwag_proto::rest::RoomCreate;
use chinwag_store::write::{Write, Written};
use http::StatusCode;
use serde::Serialize;

use crate::app::App;
use crate::auth::Caller;
use crate::clock;
use crate::http::answer::{Answer, Json};
use crate::http::extract::Body;
use crate::queries::room_get;

/// The body of `room_created` in the log.
#[derive(Serialize)]
struct RoomCreatedBody<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    members: &'a [UserId],
}

pub(crate) async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(create): Body<RoomCreate>,
) -> Answer<Response> {
    let key = create.key;
    let written = app.write(caller, key, write(create)?).await?;
    let Written::Room { room, created } = written else {
        return Err(Problem::not_found().into());
    };
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let room = room_get::read(&app, caller.user, room).await?;
    Ok((status, Json(room)).into_response())
}

fn write(create: RoomCreate) -> Result<Write, Problem> {
    let kind = match RoomKind::from_name(&create.kind) {
        Some(RoomKind::SelfRoom) | None => {
            return Err(Problem::invalid("kind", "must be direct, group or channel"));
        }
        Some(kind) => kind,
    };
    let name = match (kind, create.name) {
        (RoomKind::Direct, Some(_)) => {
            return Err(Problem::invalid("name", "a direct room has none"));
        }
        (RoomKind::Direct, None) => None,
        (_, name) => Some(parse_name(&name.unwrap_or_default())?),
    };
    let mut members = create.members;
    members.sort_unstable();
    members.dedup();
    if members.len() > ROOM_MEMBERS_AT_START_MAX {
        let why = format!("must be at most {ROOM_MEMBERS_AT_START_MAX}; add the others later");
        return Err(Problem::invalid("members", why));
    }
    let body = RoomCreatedBody {
        kind: kind.name(),
        name: name.as_ref().map(Name::as_str),
        members: &members,
    };
    let body = String::from_utf8(encode::json(&body)).expect("JSON is UTF-8");
    let room = RoomId::new(clock::wall_ms(), clock::random_u32());
    Ok(Write::RoomCreate { room, kind, name, members, body: body.into() })
}

/// A room's name, or what is wrong with it.
pub(super) fn parse_name(name: &str) -> Result<Name, Problem> {
    Name::new(name).map_err(|why| Problem::invalid("name", why.to_string()))
}
