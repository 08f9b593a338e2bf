//! Who may be watched, and who is online: the REST twin of `presence.watch`, asked once.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chinwag_core::id::UserId;
use serde::Deserialize;
use serde_json::json;

use super::users::parse_ids;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, json_bytes};
use crate::http::extract::Fields;

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    users: String,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Fields(which): Fields<Which>,
) -> Answer<Response> {
    let ids = parse_ids("users", &which.users)?;
    let users = watchable(&app, caller.user, ids).await?;
    let online = users.iter().map(|&user| json!({"user": user, "online": app.online.has(user)}));
    let body = json!({"presence": online.collect::<Vec<_>>()});
    Ok(json_bytes(body.to_string().into_bytes()))
}

/// Those of `users` whom `viewer` shares a room with.
pub(super) async fn watchable(
    app: &App,
    viewer: UserId,
    users: Vec<UserId>,
) -> Answer<Vec<UserId>> {
    app.read(move |reader| reader.watchable(viewer, &users)).await
}
