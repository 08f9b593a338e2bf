//! Invites to the installation: links with an expiry and a number of uses.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chinwag_core::limit::INVITE_USES_MAX;
use chinwag_proto::code::Problem;
use chinwag_proto::rest::{Invite, InviteCreate};
use chinwag_store::write::Write;
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::auth::Caller;
use crate::clock;
use crate::http::answer::{Answer, Json};
use crate::http::extract::{Ids, MaybeBody};
use crate::queries::invites::link;

const WEEK_S: u64 = 7 * 24 * 3600;
/// Days that an invite is good for at most.
pub(crate) const INVITE_DAYS_MAX: u32 = 366;
const YEAR_S: u64 = INVITE_DAYS_MAX as u64 * 24 * 3600;

/// A new code: 128 random bits, as one types or clicks them.
pub(crate) fn new_code() -> String {
    let mut bytes = [0; 16];
    clock::random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    MaybeBody(create): MaybeBody<InviteCreate>,
) -> Answer<Response> {
    let expires_in_s = create.expires_in_s.unwrap_or(WEEK_S);
    if !(1..=YEAR_S).contains(&expires_in_s) {
        let why = format!("must be 1 to {YEAR_S}");
        return Err(Problem::invalid("expires_in_s", why).into());
    }
    let uses = create.uses.unwrap_or(1);
    if !(1..=INVITE_USES_MAX).contains(&uses) {
        return Err(Problem::invalid("uses", format!("must be 1 to {INVITE_USES_MAX}")).into());
    }
    let code = new_code();
    let now_ms = clock::wall_ms();
    let expires_at_ms = now_ms + expires_in_s * 1000;
    let write = Write::InviteCreate { code: code.clone(), expires_at_ms, uses };
    app.write(caller, None, write).await?;
    let invite = Invite {
        link: link(&app, &headers, "invite", &code),
        code,
        created_by: caller.user,
        created_at_ms: now_ms,
        expires_at_ms,
        uses,
        uses_left: uses,
    };
    Ok((StatusCode::CREATED, Json(invite)).into_response())
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(code): Ids<String>,
) -> Answer<StatusCode> {
    app.write(caller, None, Write::InviteDelete { code }).await?;
    Ok(StatusCode::NO_CONTENT)
}
