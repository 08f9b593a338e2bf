//! Whether and how one may register here, for the page that asks before anyone is signed in.

use std::sync::Arc;

use axum::extract::State;
use chinwag_proto::rest::Installation;

use crate::app::App;
use crate::http::answer::Json;

pub(crate) async fn get(State(app): State<Arc<App>>) -> Json<Installation> {
    Json(Installation {
        registration: app.registration().name().to_owned(),
        empty: app.store.is_empty(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
