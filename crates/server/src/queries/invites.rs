//! The invites that are open.

use std::sync::Arc;

use axum::extract::State;
use chinwag_core::access::{InstallationAction, authorise_installation};
use chinwag_proto::rest::{Invite, Invites};
use chinwag_store::write::Refusal;
use http::{HeaderMap, header};

use crate::app::App;
use crate::auth::Caller;
use crate::clock;
use crate::http::answer::{Answer, Json};

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Answer<Json<Invites>> {
    let now_ms = clock::wall_ms();
    let rows = app
        .read(move |reader| {
            let rank = reader.user(caller.user).ok_or(Refusal::Unauthorized)?.rank;
            authorise_installation(rank, InstallationAction::Invite)?;
            Ok::<_, Refusal>(reader.invites(now_ms))
        })
        .await??;
    let invite = |row: chinwag_store::read::InviteRow| Invite {
        link: link(&app, &headers, "invite", &row.code),
        code: row.code,
        created_by: row.created_by,
        created_at_ms: row.created_at_ms,
        expires_at_ms: row.expires_at_ms,
        uses: row.uses,
        uses_left: row.uses_left,
    };
    Ok(Json(Invites { invites: rows.into_iter().map(invite).collect() }))
}

/// A link into the web app whose secret stands behind `#`, so that no server or proxy logs it.
pub(crate) fn link(app: &App, headers: &HeaderMap, purpose: &str, secret: &str) -> String {
    let origin = match &app.config.public_url {
        Some(url) => url.origin().to_owned(),
        None => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let host = host.map_or_else(|| app.config.listen.to_string(), str::to_owned);
            format!("{}://{host}", app.config.scheme())
        }
    };
    format!("{origin}/#{purpose}={secret}")
}
