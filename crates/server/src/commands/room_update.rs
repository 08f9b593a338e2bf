//! Rename a room or change its settings.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chinwag_core::access::{History, Posting};
use chinwag_core::id::RoomId;
use chinwag_core::text::Name;
use chinwag_proto::code::Problem;
use chinwag_proto::encode;
use chinwag_proto::rest::RoomPatch;
use chinwag_store::write::Write;
use serde::Serialize;

use super::message_send::posted;
use super::room_create::parse_name;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Body, Ids};

/// The body of `room_updated` in the log: what changed.
#[derive(Serialize)]
struct RoomUpdatedBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    posting: Option<&'static str>,
}

pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Body(patch): Body<RoomPatch>,
) -> Answer<Response> {
    let key = patch.key;
    let written = app.write(caller, key, write(room, &patch)?).await?;
    Ok(posted(&written))
}

fn write(room: RoomId, patch: &RoomPatch) -> Result<Write, Problem> {
    let name = patch.name.as_deref().map(parse_name).transpose()?;
    let history = patch.history.as_deref().map(|history| {
        let parsed = History::from_name(history);
        parsed.ok_or_else(|| Problem::invalid("history", "must be all or since_join"))
    });
    let posting = patch.posting.as_deref().map(|posting| {
        let parsed = Posting::from_name(posting);
        parsed.ok_or_else(|| Problem::invalid("posting", "must be members or admins"))
    });
    let (history, posting) = (history.transpose()?, posting.transpose()?);
    if name.is_none() && history.is_none() && posting.is_none() {
        return Err(Problem::invalid("name", "is missing, and so are history and posting"));
    }
    let body = RoomUpdatedBody {
        name: name.as_ref().map(Name::as_str),
        history: history.map(History::name),
        posting: posting.map(Posting::name),
    };
    let body = String::from_utf8(encode::json(&body)).expect("JSON is UTF-8");
    Ok(Write::RoomUpdate { room, name, history, posting, body: body.into() })
}
