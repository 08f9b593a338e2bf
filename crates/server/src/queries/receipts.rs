//! How far each of the others in a room has come, and when.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::RoomId;
use chinwag_proto::rest::MemberReceipts;

use super::convert;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::Ids;

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
) -> Answer<Json<MemberReceipts>> {
    let rows = app.read(move |reader| reader.receipt_list(caller.user, room)).await??;
    Ok(Json(MemberReceipts { receipts: rows.into_iter().map(convert::receipt).collect() }))
}
