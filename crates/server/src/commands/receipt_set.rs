//! Say how far one has received, and read.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::{RoomId, Seq};
use chinwag_proto::code::Problem;
use chinwag_proto::rest::Receipt;
use chinwag_store::write::Write;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Body, Ids};

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Body(Receipt { read, delivered }): Body<Receipt>,
) -> Answer<StatusCode> {
    app.write(caller, None, write(room, read, delivered)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn write(
    room: RoomId,
    read: Option<Seq>,
    delivered: Option<Seq>,
) -> Result<Write, Problem> {
    if read.is_none() && delivered.is_none() {
        return Err(Problem::invalid("read", "is missing; give it or delivered"));
    }
    Ok(Write::ReceiptSet { room, read, delivered })
}
