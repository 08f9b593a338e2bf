//! A page of a room's log, for clients that sync.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{PAGE_MAX, RESUME_BYTES_MAX};
use chinwag_proto::encode;
use chinwag_store::write::Refusal;
use serde::Deserialize;

use super::timeline::{close, known, limit, list};
use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, json_bytes};
use crate::http::extract::{Fields, Ids};

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    after: Seq,
    limit: Option<usize>,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Fields(page): Fields<Page>,
) -> Answer<Response> {
    let (after, limit) = (known("after", page.after)?, limit(page.limit, PAGE_MAX)?);
    let epoch = app.store.epoch();
    let json = app
        .read(move |reader| {
            let mut json = format!(r#"{{"epoch":"{epoch}","events":["#).into_bytes();
            let head = reader.log_page(caller.user, room, after, limit, &mut |event| {
                list(&mut json, |json| encode::append_event(json, event));
            })?;
            close(&mut json, head);
            Ok::<_, Refusal>(json)
        })
        .await??;
    Ok(json_bytes(json))
}

/// The frames that answer `room.sync`, before its reply.
pub(super) struct Synced {
    pub frames: Bytes,
    pub head: Seq,
    pub more: bool,
}

/// Reads the log for a connection: at most `limit` events, and no more bytes than an outbox takes
/// lightly.
pub(super) async fn sync(
    app: &App,
    user: UserId,
    room: RoomId,
    after: Seq,
    limit: usize,
) -> Answer<Synced> {
    let synced = app.read(move |reader| {
        let (mut frames, mut last, mut full) = (BytesMut::new(), after, false);
        let head = reader.log_page(user, room, after, limit, &mut |event| {
            full |= frames.len() > RESUME_BYTES_MAX;
            if !full {
                frames.extend_from_slice(&encode::event_frame(event));
                last = event.seq;
            }
        })?;
        Ok::<_, Refusal>(Synced { frames: frames.freeze(), head, more: last < head })
    });
    Ok(synced.await??)
}
