//! Keep what one has begun to write, for one's other devices.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chinwag_core::id::RoomId;
use chinwag_core::text::DraftText;
use chinwag_proto::code::Problem;
use chinwag_proto::rest::DraftPut;
use chinwag_store::write::Write;
use serde::Serialize;

use super::message_send::posted;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Body, Ids};

/// The body of a draft in the log of its user's own room.
#[derive(Serialize)]
struct DraftBody<'a> {
    room: RoomId,
    text: &'a str,
}

/// What the writer is asked, from either door.
pub(super) fn write(room: RoomId, text: String) -> Result<Write, Problem> {
    let text = DraftText::new(text).map_err(|why| Problem::invalid("text", why.to_string()))?;
    let body = chinwag_proto::encode::json(&DraftBody { room, text: text.as_str() });
    let body = String::from_utf8(body).expect("JSON is UTF-8").into();
    Ok(Write::DraftSet { room, text, body })
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Body(put): Body<DraftPut>,
) -> Answer<Response> {
    let written = app.write(caller, put.key, write(room, put.text)?).await?;
    Ok(posted(&written))
}
