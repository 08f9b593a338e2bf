//! Say that one types, or stopped. It is true now and not kept.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::access::{Action, Actor, authorise};
use chinwag_core::event::Signal;
use chinwag_core::id::{RoomId, UserId};
use chinwag_proto::code::Problem;
use chinwag_proto::frame::TypingSet;
use chinwag_proto::rest::Typing;
use chinwag_store::write::Refusal;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Body, Ids};

/// The socket's door. It is never answered: what may not be said is dropped unseen.
pub(crate) async fn socket(app: &App, caller: Caller, typing: &TypingSet) {
    if let Ok(signal) = signal(app, caller.user, typing.room, typing.on).await {
        app.publish(signal);
    }
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Body(Typing { on }): Body<Typing>,
) -> Answer<StatusCode> {
    app.throttle.signal(caller.user)?;
    app.still(caller)?;
    app.publish(signal(&app, caller.user, room, on).await?);
    Ok(StatusCode::NO_CONTENT)
}

/// What the others in the room are told, where `user` may say it.
async fn signal(app: &App, user: UserId, room: RoomId, on: bool) -> Answer<Signal> {
    let facts = app.read(move |reader| (reader.room_facts(room), reader.role(user, room))).await?;
    let (Some(facts), role) = facts else {
        return Err(Problem::not_found().into());
    };
    let permit = authorise(Actor { user, role }, facts, Action::Type).map_err(Refusal::from)?;
    Ok(Signal::Typing { room: permit.room(), user: permit.user(), on })
}
