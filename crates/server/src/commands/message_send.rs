//! Post a message.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::id::RoomId;
use chinwag_core::text::MessageText;
use chinwag_proto::code::Problem;
use chinwag_proto::rest::MessagePost;
use chinwag_store::write::{Write, Written};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::{Body, Ids};
use crate::queries::convert;
use crate::traces::{Parent, Reading};

/// The body of a message in the log.
#[derive(Serialize)]
struct MessageBody<'a> {
    text: &'a str,
}

/// What the writer is asked, from either door.
pub(super) fn write(room: RoomId, text: &str) -> Result<Write, Problem> {
    let text = MessageText::new(text).map_err(|why| Problem::invalid("text", why.to_string()))?;
    let body = chinwag_proto::encode::json(&MessageBody { text: text.as_str() });
    let body = String::from_utf8(body).expect("JSON is UTF-8");
    Ok(Write::MessageSend { room, body: body.into() })
}

pub(crate) async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    came: HeaderMap,
    Body(post): Body<MessagePost>,
) -> Answer<Response> {
    let came = (Parent::of(&came), Reading::now(&app.traces));
    app.throttle.send(caller.user)?;
    let written = app.write_message(caller, post.key, write(room, &post.text)?, came).await?;
    Ok(posted(&written))
}

/// 201 for what was done now, 200 for what was done before.
pub(super) fn posted(written: &Written) -> Response {
    match written {
        Written::Event { event, repeated } => {
            let status = if *repeated { StatusCode::OK } else { StatusCode::CREATED };
            (status, Json(convert::posted(event))).into_response()
        }
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}
