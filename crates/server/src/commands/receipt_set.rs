//! Say how far one has read.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::RoomId;
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
    Body(Receipt { read }): Body<Receipt>,
) -> Answer<StatusCode> {
    app.write(caller, None, Write::ReceiptSet { room, read }).await?;
    Ok(StatusCode::NO_CONTENT)
}
