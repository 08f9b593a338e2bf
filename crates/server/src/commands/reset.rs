//! A link with which a user who forgot the password sets a new one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::id::UserId;
use chinwag_core::limit::RESET_LINK_H;
use chinwag_core::text::{Handle, Password};
use chinwag_proto::code::Problem;
use chinwag_proto::rest::{PasswordReset, ResetLink};
use chinwag_store::write::{Refusal, Write};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::auth::{Caller, token};
use crate::clock;
use crate::http::answer::{Answer, Json};
use crate::http::extract::{Body, Ids, Visitor};
use crate::queries::invites::link;

/// An owner or admin makes the link.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Ids(user): Ids<UserId>,
) -> Answer<Response> {
    let (secret, hash) = token::random_token();
    let expires_at_ms = clock::wall_ms() + RESET_LINK_H * 3_600_000;
    app.write(caller, None, Write::ResetCreate { user, token: hash, expires_at_ms }).await?;
    let link = ResetLink { link: link(&app, &headers, "reset", &secret), expires_at_ms };
    Ok((StatusCode::CREATED, Json(link)).into_response())
}

/// The user sets the new password with it.
pub(crate) async fn redeem(
    State(app): State<Arc<App>>,
    _: Visitor,
    Body(reset): Body<PasswordReset>,
) -> Answer<StatusCode> {
    let hash = token::hash(&reset.token);
    let now_ms = clock::wall_ms();
    let user = app.read(move |reader| reader.reset_user(hash, now_ms)).await?;
    let wrong = || Problem::invalid("token", "is wrong, used up or expired");
    let handle = user.and_then(|user| Handle::new(&user.handle).ok()).ok_or_else(wrong)?;
    let new = Password::new(reset.new, &handle)
        .map_err(|why| Problem::invalid("new", why.to_string()))?;
    let password = app.passwords.hash(new).await?;
    let write = Write::ResetUse { token: hash, password };
    match app
        .store
        .write(
            UserId::from_i64(0),
            chinwag_core::id::Key::new(now_ms, clock::random_u128()),
            now_ms,
            write,
        )
        .await
    {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(Refusal::Unauthorized) => Err(wrong().into()),
        Err(refusal) => Err(refusal.into()),
    }
}
