//! Who is in a room.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::limit::MEMBER_PAGE_MAX;
use chinwag_proto::rest::Members;
use serde::Deserialize;

use super::convert;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::{Fields, Ids};

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<UserId>,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Fields(Page { after }): Fields<Page>,
) -> Answer<Json<Members>> {
    let (rows, next) = app
        .read(move |reader| reader.member_list(caller.user, room, after, MEMBER_PAGE_MAX))
        .await??;
    let members = rows.into_iter().map(convert::member).collect();
    Ok(Json(Members { members, next: next.map(|user| user.to_string()) }))
}
