//! One room, as the list has it.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::{RoomId, UserId};
use chinwag_proto::code::Problem;
use chinwag_proto::rest::{Room, Rooms};

use super::rooms::shown;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::Ids;

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
) -> Answer<Json<Room>> {
    Ok(Json(read(&app, caller.user, room).await?))
}

pub(crate) async fn read(app: &App, user: UserId, room: RoomId) -> Answer<Room> {
    let mut page = page(app, user, room).await?;
    Ok(page.rooms.pop().ok_or_else(Problem::not_found)?)
}

/// A list of the one room, with the names of those who appear in it.
pub(super) async fn page(app: &App, user: UserId, room: RoomId) -> Answer<Rooms> {
    let page = shown(app, user, move |reader| reader.room_page_of(user, room)).await?;
    if page.rooms.is_empty() {
        return Err(Problem::not_found().into());
    }
    Ok(page)
}
