//! Who one is.

use std::sync::Arc;

use axum::extract::State;
use chinwag_proto::rest::Me;
use chinwag_store::write::Refusal;

use super::convert;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};

pub(crate) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Answer<Json<Me>> {
    let user = app.read(move |reader| reader.user(caller.user)).await?;
    Ok(Json(convert::me(user.ok_or(Refusal::Unauthorized)?)))
}
