//! Who may be watched, and who is online: asked once, or told on an event stream from then on.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::UserId;
use chinwag_proto::frame::{ClientFrame, PresenceWatch};
use chinwag_proto::rest::{Presence, Presences};
use http::StatusCode;
use serde::Deserialize;

use super::users::parse_ids;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::{Body, Fields, Ids};
use crate::shard::events::Name;

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
    let asked = users.clone();
    let seen = app.read(move |reader| reader.last_seen(caller.user, &asked)).await?;
    let last_seen = |user| {
        let &(_, at_ms) = seen.iter().find(|(of, _)| *of == user)?;
        Some(app.online.gone_at_ms(user).map_or(at_ms, |gone| gone.max(at_ms)))
    };
    let presence = |user| {
        let online = app.online.has(user);
        let last_seen_ms = if online { None } else { last_seen(user) };
        Presence { user, online, last_seen_ms }
    };
    Ok(Json(Presences { presence: users.into_iter().map(presence).collect() }))
}

/// The twin of `presence.watch` for an event stream.
pub(crate) async fn watch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(stream): Ids<String>,
    Body(watch): Body<PresenceWatch>,
) -> Answer<StatusCode> {
    app.still(caller)?;
    let name: Name = stream.parse()?;
    name.say(&app, caller, ClientFrame::PresenceWatch(watch)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The twin of `ping` for an event stream: its `pong` comes there.
pub(crate) async fn ping(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(stream): Ids<String>,
) -> Answer<StatusCode> {
    let name: Name = stream.parse()?;
    name.say(&app, caller, ClientFrame::Ping).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Those of `users` whom `viewer` shares a room with.
pub(super) async fn watchable(
    app: &App,
    viewer: UserId,
    users: Vec<UserId>,
) -> Answer<Vec<UserId>> {
    app.read(move |reader| reader.watchable(viewer, &users)).await
}
