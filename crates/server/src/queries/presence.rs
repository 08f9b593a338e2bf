//! Who may be watched, and who is online: the REST twin of `presence.watch`, asked once.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::UserId;
use chinwag_proto::rest::{Presence, Presences};
use serde::Deserialize;

use super::users::parse_ids;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::Fields;

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    users: String,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Fields(which): Fields<Which>,
) -> Answer<Json<Presences>> {
    let ids = parse_ids("users", &which.users)?;
    let users = watchable(&app, caller.user, ids).await?;
    let presence = |user| Presence { user, online: app.online.has(user) };
    Ok(Json(Presences { presence: users.into_iter().map(presence).collect() }))
}

/// Those of `users` whom `viewer` shares a room with.
pub(super) async fn watchable(
    app: &App,
    viewer: UserId,
    users: Vec<UserId>,
) -> Answer<Vec<UserId>> {
    app.read(move |reader| reader.watchable(viewer, &users)).await
}
