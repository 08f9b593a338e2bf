//! Say that one types, or stopped. It is true now and not kept.

use std::rc::Rc;
use std::sync::Arc;

use axum::extract::State;
use chinwag_core::access::{Action, Actor, authorise};
use chinwag_core::event::{ConnId, Signal};
use chinwag_core::hub::Input;
use chinwag_core::id::RoomId;
use chinwag_proto::code::Problem;
use chinwag_proto::frame::TypingSet;
use chinwag_proto::rest::Typing;
use chinwag_store::write::Refusal;
use http::StatusCode;

use super::Taken;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Body, Ids};
use crate::shard::Shard;

/// The hub knows who reads what here, which is gate enough for something that nobody keeps.
pub(super) fn socket(shard: &Rc<Shard>, conn: ConnId, caller: Caller, typing: &TypingSet) -> Taken {
    if shard.app.throttle.signal(caller.user).is_ok() {
        shard.signal(Input::Typing {
            conn,
            room: typing.room,
            on: typing.on,
        });
    }
    Taken::Done
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Body(Typing { on }): Body<Typing>,
) -> Answer<StatusCode> {
    app.throttle.signal(caller.user)?;
    let user = caller.user;
    let facts = app
        .read(move |reader| (reader.room_facts(room), reader.role(user, room)))
        .await?;
    let (Some(facts), role) = facts else {
        return Err(Problem::not_found().into());
    };
    let permit = authorise(Actor { user, role }, facts, Action::Type).map_err(Refusal::from)?;
    let signal = Signal::Typing {
        room: permit.room(),
        user: permit.user(),
        on,
    };
    app.publish(signal);
    Ok(StatusCode::NO_CONTENT)
}
