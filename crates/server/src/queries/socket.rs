//! The socket's door to the queries.

use std::rc::Rc;

use bytes::Bytes;
use chinwag_core::event::ConnId;
use chinwag_core::hub::Input;
use chinwag_core::limit::{PAGE_MAX, WATCH_MAX};
use chinwag_core::outbox::Class;
use chinwag_proto::code::Problem;
use chinwag_proto::encode;
use chinwag_proto::frame::{ClientFrame, PresenceWatch, Reply, RoomSync, ServerFrame};
use chinwag_proto::rest::Rooms;

use super::timeline::known;
use super::{log, presence, room_get, rooms};
use crate::auth::Caller;
use crate::commands::typing_set;
use crate::http::answer::{Answer, Failure};
use crate::shard::Shard;

/// The frames that answer a query, in order.
pub(crate) async fn answer(
    shard: &Rc<Shard>,
    conn: ConnId,
    caller: Caller,
    frame: ClientFrame,
) -> Vec<(Bytes, Class)> {
    let (app, user) = (&shard.app, caller.user);
    let (reference, answered) = match frame {
        ClientFrame::RoomList(list) => {
            let page = rooms::read(app, user, false, list.after.as_deref()).await;
            (Some(list.reference), page.map(|page| listed(list.reference, page)))
        }
        ClientFrame::RoomGet(get) => {
            let page = room_get::page(app, user, get.room).await;
            (Some(get.reference), page.map(|page| listed(get.reference, page)))
        }
        ClientFrame::RoomSync(sync) => (Some(sync.reference), synced(shard, caller, &sync).await),
        ClientFrame::PresenceWatch(watch) => (None, watched(shard, conn, caller, watch).await),
        ClientFrame::TypingSet(typing) => {
            typing_set::socket(app, caller, &typing).await;
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    match answered {
        Ok(frames) => frames.into_iter().map(|frame| (frame, Class::Reply)).collect(),
        Err(Failure(problem)) => {
            app.metrics.refused(problem.code);
            vec![(encode::error_frame(reference, problem), Class::Reply)]
        }
    }
}

fn listed(reference: u64, page: Rooms) -> Vec<Bytes> {
    let reply = Reply {
        more: Some(page.next.is_some()),
        next: page.next,
        rooms: Some(page.rooms),
        users: Some(page.users),
        ..Reply::to(reference)
    };
    vec![encode::frame(&ServerFrame::Reply(reply))]
}

async fn synced(shard: &Rc<Shard>, caller: Caller, sync: &RoomSync) -> Answer<Vec<Bytes>> {
    let after = known("after", sync.after)?;
    let limit = match sync.limit {
        None => PAGE_MAX,
        Some(limit) if (1..=PAGE_MAX as u32).contains(&limit) => limit as usize,
        Some(_) => {
            return Err(Problem::invalid("limit", format!("must be 1 to {PAGE_MAX}")).into());
        }
    };
    let synced = log::sync(&shard.app, caller.user, sync.room, after, limit).await?;
    let reply = encode::sync_reply_frame(sync.reference, synced.head, synced.more);
    Ok(vec![synced.frames, reply].into_iter().filter(|frame| !frame.is_empty()).collect())
}

/// Has a connection told of these users, as far as it may.
pub(crate) async fn watched(
    shard: &Rc<Shard>,
    conn: ConnId,
    caller: Caller,
    watch: PresenceWatch,
) -> Answer<Vec<Bytes>> {
    if watch.users.len() > WATCH_MAX {
        return Err(Problem::invalid("users", format!("must be at most {WATCH_MAX}")).into());
    }
    let mut users = watch.users;
    users.sort_unstable();
    users.dedup();
    let leavings = shard.leavings();
    let users = presence::watchable(&shard.app, caller.user, users).await?;
    shard.signal(Input::Watch { conn, users, leavings });
    Ok(Vec::new())
}
