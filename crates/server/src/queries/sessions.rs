//! One's signed-in devices and browsers.

use std::sync::Arc;

use axum::extract::State;
use chinwag_proto::rest::{Session, Sessions};

use crate::app::App;
use crate::auth::Caller;
use crate::clock;
use crate::http::answer::{Answer, Json};

pub(crate) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Answer<Json<Sessions>> {
    let now_ms = clock::wall_ms();
    let rows = app.read(move |reader| reader.sessions(caller.user, now_ms)).await?;
    let session = |row: chinwag_store::read::SessionRow| Session {
        id: row.id,
        current: row.id == caller.session,
        label: row.label,
        created_at_ms: row.created_at_ms,
        seen_at_ms: row.seen_at_ms,
    };
    Ok(Json(Sessions { sessions: rows.into_iter().map(session).collect() }))
}
