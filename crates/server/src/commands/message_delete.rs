//! Erase a message.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chinwag_core::id::{RoomId, Seq};
use chinwag_proto::rest::Keyed;
use chinwag_store::write::Write;

use super::message_send::posted;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Ids, MaybeBody};

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((room, target)): Ids<(RoomId, Seq)>,
    MaybeBody(Keyed { key }): MaybeBody<Keyed>,
) -> Answer<Response> {
    let written = app.write(caller, key, Write::MessageDelete { room, target }).await?;
    Ok(posted(&written))
}
