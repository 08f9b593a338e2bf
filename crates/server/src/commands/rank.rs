//! Give someone another rank in the installation.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::access::Rank;
use chinwag_core::id::UserId;
use chinwag_proto::code::Problem;
use chinwag_proto::rest::RankPut;
use chinwag_store::write::Write;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::http::extract::{Body, Ids};

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(user): Ids<UserId>,
    Body(RankPut { rank }): Body<RankPut>,
) -> Answer<StatusCode> {
    let rank = Rank::from_name(&rank);
    let rank = rank.ok_or_else(|| Problem::invalid("rank", "must be member, admin or owner"))?;
    app.write(caller, None, Write::RankSet { user, rank }).await?;
    Ok(StatusCode::NO_CONTENT)
}
