//! Sign in, refresh, sign out, and end one of one's sessions.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::id::{SessionId, UserId};
use chinwag_core::limit::ACCESS_TOKEN_S;
use chinwag_core::text::{Handle, Password};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::rest::{Login, Me, Refresh, RefreshBy, Tokens};
use chinwag_store::write::{NewSession, Refusal, Write, Written};
use http::header::{SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::auth::{Caller, cookie, token};
use crate::clock;
use crate::http::answer::{Answer, Failure, Json};
use crate::http::extract::{Body, Ids, MaybeBody, Visitor};
use crate::queries::convert;

/// Bytes of the label that a session has in the list.
const LABEL_BYTES_MAX: usize = 120;

pub(crate) async fn login(
    State(app): State<Arc<App>>,
    Visitor(address): Visitor,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Answer<Response> {
    let wrong = || Problem::new(ErrorCode::Unauthorized, "the handle or the password is wrong");
    let handle = Handle::new(&login.handle).map_err(|_| wrong())?;
    app.throttle.login(handle.as_str(), address)?;
    let password = Password::typed(login.password).map_err(|_| wrong())?;
    let found = app.read(move |reader| reader.credentials(handle.as_str())).await?;
    let (user, kept) = found.unzip();
    let verified = app.passwords.verify(password, kept).await?.ok_or_else(wrong)?;
    let user = user.ok_or_else(wrong)?;
    let (session, refresh) = new_session(&headers);
    let caller = Caller { user, session: session.id };
    match app.write_unsigned(user, None, Write::SessionCreate { verified, session }).await {
        // Another password was set meanwhile.
        Err(Failure(problem)) if problem.code == ErrorCode::Unauthorized => Err(wrong().into()),
        Err(failure) => Err(failure),
        Ok(_) => {
            tracing::info!(%user, session = %caller.session, "signed in");
            signed_in(&app, caller, &refresh, login.refresh).await
        }
    }
}

pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    _: Visitor,
    headers: HeaderMap,
    MaybeBody(refresh): MaybeBody<Refresh>,
) -> Answer<Response> {
    let by = refresh.refresh_token.as_ref().map(|_| RefreshBy::Body);
    let presented = refresh.refresh_token.or_else(|| cookie::get(&headers, &app.cookie_name));
    let presented = presented.ok_or_else(Problem::unauthorized)?;
    let (next, hash) = token::random_token();
    let write = Write::SessionRefresh { presented: token::hash(&presented), next: hash };
    match app.write_unsigned(UserId::from_i64(0), None, write).await {
        Ok(Written::Session { user, session }) => {
            signed_in(&app, Caller { user, session }, &next, by).await
        }
        Ok(_) => Err(Problem::unauthorized().into()),
        Err(Failure(problem)) if problem.code == ErrorCode::Unauthorized => {
            Ok(with_cookie(&app, None, Failure(problem)))
        }
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn logout(State(app): State<Arc<App>>, caller: Caller) -> Answer<Response> {
    app.write(caller, None, Write::SessionRevoke { session: caller.session }).await?;
    Ok(with_cookie(&app, None, StatusCode::NO_CONTENT))
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(session): Ids<SessionId>,
) -> Answer<StatusCode> {
    app.write(caller, None, Write::SessionRevoke { session }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new session and its refresh token.
pub(super) fn new_session(headers: &HeaderMap) -> (NewSession, String) {
    let (refresh, hash) = token::random_token();
    let agent = headers.get(USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
    let agent = String::from_utf8_lossy(agent);
    let plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
    let agent: String = agent.chars().filter(plain).take(LABEL_BYTES_MAX).collect();
    let id = SessionId::new(clock::wall_ms(), clock::random_u32());
    (NewSession { id, refresh: hash, label: agent }, refresh)
}

/// The tokens of a session, the refresh token by cookie or body.
pub(super) async fn signed_in(
    app: &App,
    caller: Caller,
    refresh: &str,
    by: Option<RefreshBy>,
) -> Answer<Response> {
    let user = app.read(move |reader| reader.user(caller.user)).await?;
    let user: Me = convert::me(user.ok_or(Refusal::Unauthorized)?);
    let in_body = by == Some(RefreshBy::Body);
    let tokens = Tokens {
        access_token: app.tokens.issue(caller, clock::wall_ms()),
        expires_in_s: ACCESS_TOKEN_S,
        refresh_token: in_body.then(|| refresh.to_owned()),
        user,
    };
    if in_body {
        return Ok(Json(tokens).into_response());
    }
    Ok(with_cookie(app, Some(refresh), Json(tokens)))
}

/// An answer that sets the refresh cookie, or forgets it.
pub(super) fn with_cookie(
    app: &App,
    refresh: Option<&str>,
    answer: impl axum::response::IntoResponse,
) -> Response {
    let secure = app.config.is_https();
    let cookie = match refresh {
        Some(refresh) => cookie::set(&app.cookie_name, refresh, secure),
        None => cookie::clear(&app.cookie_name, secure),
    };
    ([(SET_COOKIE, cookie)], answer).into_response()
}
