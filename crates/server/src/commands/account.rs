//! Register, change one's profile and password, delete one's account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::id::UserId;
use chinwag_core::profile::Hue;
use chinwag_core::text::{Handle, Name, Password};
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::rest::{Me, MeDelete, MePatch, PasswordChange, Register};
use chinwag_store::write::{Admission, PasswordHash, Refusal, Write};
use http::{HeaderMap, StatusCode};

use super::session::{new_session, signed_in, with_cookie};
use crate::app::{self, App};
use crate::auth::Caller;
use crate::clock;
use crate::config::Registration;
use crate::http::answer::{Answer, Failure, Json};
use crate::http::extract::{Body, Visitor};
use crate::queries::convert;

const INVITE_WRONG: Refusal =
    Refusal::Invalid { field: "invite", why: "is wrong, used up or expired" };

pub(crate) async fn register(
    State(app): State<Arc<App>>,
    _: Visitor,
    headers: HeaderMap,
    Body(register): Body<Register>,
) -> Answer<Response> {
    let handle =
        Handle::new(&register.handle).map_err(|why| Problem::invalid("handle", why.to_string()))?;
    let display_name = parse_name(register.display_name.as_deref().unwrap_or(handle.as_str()))?;
    let password = Password::new(register.password, &handle)
        .map_err(|why| Problem::invalid("password", why.to_string()))?;
    let admission = admission(&app, register.invite)?;
    refuse_early(&app, &handle, &admission).await?;
    let password = app.passwords.hash(password).await?;
    let user = UserId::new(clock::wall_ms(), clock::random_u32());
    let (session, refresh) = new_session(&headers);
    let id = session.id;
    let write = Write::UserCreate { handle, display_name, password, admission, session };
    match app.write_unsigned(user, None, write).await {
        // Somebody else used it up meanwhile.
        Err(Failure(problem)) if problem.code == ErrorCode::Unauthorized => {
            return Err(app::problem(&INVITE_WRONG).into());
        }
        outcome => outcome?,
    };
    tracing::info!(%user, session = %id, "registered");
    let caller = Caller { user, session: id };
    let mut response = signed_in(&app, caller, &refresh, register.refresh).await?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

fn admission(app: &App, invite: Option<String>) -> Result<Admission, Problem> {
    let first = app.store.is_empty();
    match (app.registration(), invite) {
        (Registration::Open, None) => Ok(Admission::Open),
        (Registration::Closed, _) if !first => {
            Err(Problem::new(ErrorCode::Forbidden, "registration is closed"))
        }
        (_, Some(invite)) => Ok(Admission::Invite(invite)),
        (_, None) => Err(Problem::invalid("invite", "is missing: one registers by invite here")),
    }
}

/// Says no before a password is hashed for nothing. The transaction decides all the same.
async fn refuse_early(app: &App, handle: &Handle, admission: &Admission) -> Answer<()> {
    let (handle, admission) = (handle.clone(), admission.clone());
    let now_ms = clock::wall_ms();
    let bootstrap = app.store.bootstrap_code();
    let refusal = app
        .read(move |reader| {
            if let Admission::Invite(code) = &admission
                && bootstrap.as_ref() != Some(code)
                && !reader.invite_usable(code, now_ms)
            {
                return Some(INVITE_WRONG);
            }
            reader.user_by_handle(handle.as_str()).map(|_| Refusal::Taken)
        })
        .await?;
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn parse_name(name: &str) -> Result<Name, Problem> {
    Name::new(name).map_err(|why| Problem::invalid("display_name", why.to_string()))
}

fn parse_hue(hue: u64) -> Result<Hue, Problem> {
    Hue::new(hue).map_err(|why| Problem::invalid("hue", why.to_string()))
}

pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(patch): Body<MePatch>,
) -> Answer<Json<Me>> {
    let display_name = patch.display_name.as_deref().map(parse_name).transpose()?;
    let hue = patch.hue.map(parse_hue).transpose()?;
    if display_name.is_some() || hue.is_some() {
        app.write(caller, None, Write::ProfileSet { display_name, hue }).await?;
    }
    let (read_receipts, last_seen) = (patch.read_receipts, patch.last_seen);
    if read_receipts.is_some() || last_seen.is_some() {
        app.write(caller, None, Write::PrivacySet { read_receipts, last_seen }).await?;
    }
    let user = app.read(move |reader| reader.user(caller.user)).await?;
    Ok(Json(convert::me(user.ok_or(Refusal::Unauthorized)?)))
}

pub(crate) async fn password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Answer<StatusCode> {
    let user = app.read(move |reader| reader.user(caller.user)).await?;
    let handle = user.ok_or(Refusal::Unauthorized)?.handle;
    let handle = Handle::new(&handle).map_err(|_| Refusal::Unauthorized)?;
    let new = Password::new(change.new, &handle)
        .map_err(|why| Problem::invalid("new", why.to_string()))?;
    let verified = confirm(&app, caller, change.old, "old").await?;
    let password = app.passwords.hash(new).await?;
    let write = Write::PasswordSet { verified, password, keep: caller.session };
    app.write(caller, None, write).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(delete): Body<MeDelete>,
) -> Answer<Response> {
    let verified = confirm(&app, caller, delete.password, "password").await?;
    app.write(caller, None, Write::UserDelete { verified }).await?;
    Ok(with_cookie(&app, None, StatusCode::NO_CONTENT).into_response())
}

/// Checks one's own password again before something that a stolen session must not do; its hash.
async fn confirm(
    app: &App,
    caller: Caller,
    typed: String,
    field: &'static str,
) -> Answer<PasswordHash> {
    let wrong = || Problem::invalid(field, "is not your password");
    app.throttle.confirm(caller.user)?;
    let typed = Password::typed(typed).map_err(|_| wrong())?;
    let kept = app.read(move |reader| reader.password(caller.user)).await?;
    Ok(app.passwords.verify(typed, kept).await?.ok_or_else(wrong)?)
}
