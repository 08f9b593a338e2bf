//! Who someone is: by exact handle, or by id among those one shares a room with; and who governs the installation.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::State;
use chinwag_core::access::{InstallationAction, authorise_installation};
use chinwag_core::id::UserId;
use chinwag_core::limit::USER_LOOKUP_MAX;
use chinwag_core::text::Handle;
use chinwag_proto::code::Problem;
use chinwag_proto::rest::Users;
use chinwag_store::write::Refusal;
use serde::Deserialize;

use super::convert;
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, Json};
use crate::http::extract::Fields;

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    handle: Option<String>,
    ids: Option<String>,
    #[serde(default)]
    ranked: bool,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Fields(which): Fields<Which>,
) -> Answer<Json<Users>> {
    match (which.handle, which.ids, which.ranked) {
        (Some(handle), None, false) => by_handle(&app, caller, &handle).await,
        (None, Some(ids), false) => by_ids(&app, caller, &ids).await,
        (None, None, true) => by_rank(&app, caller).await,
        _ => {
            Err(Problem::invalid("handle", "give it, or ids, or ranked=true, and one alone").into())
        }
    }
}

async fn by_handle(app: &App, caller: Caller, handle: &str) -> Answer<Json<Users>> {
    app.throttle.lookup(caller.user)?;
    let handle = Handle::new(handle).map_err(|why| Problem::invalid("handle", why.to_string()))?;
    let user = app.read(move |reader| reader.user_by_handle(handle.as_str())).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    Ok(Json(Users { users: vec![convert::user(user)] }))
}

async fn by_ids(app: &App, caller: Caller, ids: &str) -> Answer<Json<Users>> {
    let ids = parse_ids("ids", ids)?;
    let users = app.read(move |reader| reader.users_visible(caller.user, &ids)).await?;
    Ok(Json(Users { users: convert::users(users) }))
}

/// Owners first, then admins, each from the oldest account.
async fn by_rank(app: &App, caller: Caller) -> Answer<Json<Users>> {
    let mut users = app
        .read(move |reader| {
            let rank = reader.user(caller.user).ok_or(Refusal::Unauthorized)?.rank;
            authorise_installation(rank, InstallationAction::RankedSee)?;
            Ok::<_, Refusal>(reader.users_ranked())
        })
        .await??;
    users.sort_by_key(|user| (Reverse(user.rank), user.created_at_ms, user.id));
    Ok(Json(Users { users: users.into_iter().map(convert::ranked).collect() }))
}

/// Ids with commas between.
pub(crate) fn parse_ids(field: &'static str, ids: &str) -> Result<Vec<UserId>, Problem> {
    let ids: Result<Vec<UserId>, _> = ids.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| Problem::invalid(field, "must be ids with commas between"))?;
    if ids.len() > USER_LOOKUP_MAX {
        return Err(Problem::invalid(field, format!("must be at most {USER_LOOKUP_MAX}")));
    }
    Ok(ids)
}
