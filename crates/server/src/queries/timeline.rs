//! A page of a room's timeline: each message in its current form, notices too.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chinwag_core::id::{RoomId, Seq};
use chinwag_core::limit::{PAGE_DEFAULT, PAGE_MAX};
use chinwag_proto::code::Problem;
use chinwag_proto::encode;
use chinwag_store::read::At;
use serde::Deserialize;

use crate::app::App;
use crate::auth::Caller;
use crate::http::answer::{Answer, json_bytes};
use crate::http::extract::{Fields, Ids};

/// Bytes of a page, roughly, so that its buffer grows once or not at all.
const PAGE_BYTES: usize = 16 * 1024;

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    before: Option<Seq>,
    after: Option<Seq>,
    around: Option<Seq>,
    at: Option<u64>,
    limit: Option<usize>,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(room): Ids<RoomId>,
    Fields(page): Fields<Page>,
) -> Answer<Response> {
    let at = place(&page)?;
    let limit = limit(page.limit, PAGE_DEFAULT)?;
    let epoch = app.store.epoch();
    let json = app
        .read(move |reader| {
            let mut json = Vec::with_capacity(PAGE_BYTES);
            json.extend_from_slice(format!(r#"{{"epoch":"{epoch}","messages":["#).as_bytes());
            let head = reader.timeline_page(caller.user, room, at, limit, &mut |event| {
                list(&mut json, |json| encode::append_event(json, event));
            })?;
            close(&mut json, head);
            Ok::<_, chinwag_store::write::Refusal>(json)
        })
        .await??;
    Ok(json_bytes(json))
}

/// Which part of the timeline is asked for.
fn place(page: &Page) -> Result<At, Problem> {
    Ok(match (page.before, page.after, page.around, page.at) {
        (None, None, None, None) => At::Newest,
        (Some(seq), None, None, None) => At::Before(known("before", seq)?),
        (None, Some(seq), None, None) => At::After(known("after", seq)?),
        (None, None, Some(seq), None) => At::Around(known("around", seq)?),
        (None, None, None, Some(at_ms)) => At::Time(time(at_ms)?),
        _ => return Err(Problem::invalid("before", "give one of before, after, around, at")),
    })
}

/// A moment that the log could hold.
fn time(at_ms: u64) -> Result<u64, Problem> {
    const MAX: u64 = i64::MAX as u64;
    if at_ms > MAX {
        return Err(Problem::invalid("at", format!("must be at most {MAX} milliseconds")));
    }
    Ok(at_ms)
}

/// Appends an element to a JSON list that is still open.
pub(super) fn list(json: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>)) {
    if json.last() != Some(&b'[') {
        json.push(b',');
    }
    append(json);
}

/// Closes the list and the page.
pub(super) fn close(json: &mut Vec<u8>, head: Seq) {
    json.extend_from_slice(format!(r#"],"head_seq":{head}}}"#).as_bytes());
}

pub(super) fn limit(asked: Option<usize>, default: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(default) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        _ => Err(Problem::invalid("limit", format!("must be 1 to {PAGE_MAX}"))),
    }
}

pub(super) fn known(field: &'static str, seq: Seq) -> Result<Seq, Problem> {
    if seq > Seq::MAX {
        return Err(Problem::invalid(field, format!("must be at most {}", Seq::MAX)));
    }
    Ok(seq)
}
