//! Join and leave; add and remove others; give roles.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chinwag_core::access::Role;
use chinwag_core::id::{RoomId, UserId};
use chinwag_proto::code::Problem;
use chinwag_proto::rest::{Keyed, MemberPut};
use chinwag_store::write::Write;

use super::message_send::posted;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Ids, MaybeBody};

pub(crate) async fn join(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    MaybeBody(Keyed { key }): MaybeBody<Keyed>,
) -> Answer<Response> {
    Ok(posted(&app.write(caller, key, Write::RoomJoin { room }).await?))
}

pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    MaybeBody(Keyed { key }): MaybeBody<Keyed>,
) -> Answer<Response> {
    Ok(posted(&app.write(caller, key, Write::RoomLeave { room }).await?))
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((room, user)): Ids<(RoomId, UserId)>,
    MaybeBody(put): MaybeBody<MemberPut>,
) -> Answer<Response> {
    let role = Role::from_name(put.role.as_deref().unwrap_or("member"));
    let role =
        role.ok_or_else(|| Problem::invalid("role", "must be reader, member, admin or owner"))?;
    Ok(posted(&app.write(caller, put.key, Write::MemberPut { room, user, role }).await?))
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((room, user)): Ids<(RoomId, UserId)>,
    MaybeBody(Keyed { key }): MaybeBody<Keyed>,
) -> Answer<Response> {
    Ok(posted(&app.write(caller, key, Write::MemberRemove { room, user }).await?))
}
