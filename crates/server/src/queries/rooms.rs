//! My rooms, most recent first; or the channels one may join.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::UserId;
use chinwag_core::limit::ROOM_PAGE_MAX;
use chinwag_proto::rest::Rooms;
use chinwag_store::read::{Reader, RoomPage};
use serde::Deserialize;

use super::convert;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::Fields;

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    listed: bool,
    after: Option<String>,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Fields(which): Fields<Which>,
) -> Answer<Json<Rooms>> {
    read(&app, caller.user, which.listed, which.after.as_deref()).await.map(Json)
}

pub(super) async fn read(
    app: &App,
    user: UserId,
    listed: bool,
    after: Option<&str>,
) -> Answer<Rooms> {
    let after = after.map(convert::room_cursor).transpose()?;
    shown(app, user, move |reader| match listed {
        true => reader.channel_list(user, after.as_ref(), ROOM_PAGE_MAX),
        false => reader.room_list(user, after.as_ref(), ROOM_PAGE_MAX),
    })
    .await
}

/// Reads rooms as `user` sees them, with their ticks.
pub(super) async fn shown(
    app: &App,
    user: UserId,
    read: impl FnOnce(&Reader) -> RoomPage + Send + 'static,
) -> Answer<Rooms> {
    let ticks = Arc::clone(&app.ticks);
    let page = app
        .read(move |reader| {
            let mut page = read(reader);
            let shares_read = reader.user(user).is_some_and(|user| user.read_receipts);
            ticks.fill(reader, shares_read, &mut page);
            page
        })
        .await?;
    Ok(convert::rooms(page))
}
