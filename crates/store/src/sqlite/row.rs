//! Rows of the tables as values, and the checksum that an event's row carries.

use chinwag_core::access::{History, Posting, Rank, Role, RoomKind};
use chinwag_core::event::{EventKind, EventRow};
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_core::profile::Hue;
use rusqlite::types::{FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Result, Row};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::read::UserRow;
use crate::statistics::Counters;

/// The checksum of an event's row: xxh3 of its body, seeded with that of everything else in it.
pub(super) fn checksum(event: &EventRow<'_>) -> i64 {
    let (kind, subject) = event.kind.to_row();
    let mut fixed = [0_u8; 89];
    let numbers = [
        event.room.to_i64(),
        event.seq.to_i64(),
        event.n.map_or(-1, u64::cast_signed),
        kind,
        subject.unwrap_or(-1),
        event.from.to_i64(),
        event.at_ms.cast_signed(),
        event.rev.map_or(-1, Seq::to_i64),
        event.body.map_or(-1, |body| body.len() as i64),
    ];
    for (place, number) in fixed.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    fixed[72..88].copy_from_slice(&event.key.map(Key::to_bytes).unwrap_or_default());
    fixed[88] = u8::from(event.key.is_some());
    xxh3_64_with_seed(event.body.unwrap_or_default().as_bytes(), xxh3_64(&fixed)).cast_signed()
}

/// A row of the log.
pub(super) enum Found<'r> {
    Sound(EventRow<'r>),
    /// It is not as it was written: its body is left out.
    Spoiled(EventRow<'r>),
    /// Of a kind that nobody knows.
    Unknown,
}

/// The event in the columns from `first` on, its body where the database has it. One that is not as
/// it was written is counted and given without its body; none for a kind that nobody knows.
pub(super) fn event<'r>(
    row: &'r Row<'_>,
    first: usize,
    counters: &Counters,
) -> Result<Option<EventRow<'r>>> {
    let spoiled = match found(row, first)? {
        Found::Sound(event) => return Ok(Some(event)),
        Found::Spoiled(event) => Some(event),
        Found::Unknown => None,
    };
    counters.row_corrupt(row.get(first)?, row.get(first + 1)?);
    Ok(spoiled)
}

/// What is in the columns from `first` on.
pub(super) fn found<'r>(row: &'r Row<'_>, first: usize) -> Result<Found<'r>> {
    let number = |column: usize| row.get::<_, Option<i64>>(first + column);
    let (room, seq) = (row.get::<_, i64>(first)?, row.get::<_, i64>(first + 1)?);
    let Some(kind) = EventKind::from_row(row.get(first + 3)?, number(4)?) else {
        return Ok(Found::Unknown);
    };
    let text = row.get_ref(first + 9)?.as_str_or_null();
    let key = row.get_ref(first + 7)?.as_blob_or_null();
    let mut event = EventRow {
        room: RoomId::from_i64(room),
        seq: Seq::from_i64(seq),
        n: number(2)?.map(i64::cast_unsigned),
        kind,
        from: UserId::from_i64(row.get(first + 5)?),
        at_ms: unsigned(row, first + 6)?,
        key: key.ok().flatten().and_then(|key| key.try_into().ok()).map(Key::from_bytes),
        rev: number(8)?.map(Seq::from_i64),
        body: text.ok().flatten(),
    };
    if checksum(&event) != row.get::<_, i64>(first + 10)? {
        event.body = None;
        return Ok(Found::Spoiled(event));
    }
    Ok(Found::Sound(event))
}

/// The user in the first columns.
pub(super) fn user(row: &Row<'_>) -> Result<UserRow> {
    Ok(UserRow {
        id: UserId::from_i64(row.get(0)?),
        handle: row.get(1)?,
        display_name: row.get(2)?,
        rank: named(row, 3, Rank::from_name)?,
        created_at_ms: unsigned(row, 4)?,
        hue: row.get::<_, Option<i64>>(5)?.and_then(|hue| Hue::new(hue.cast_unsigned()).ok()),
        read_receipts: row.get(6)?,
        last_seen: row.get(7)?,
    })
}

/// A number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// A name from a closed list.
pub(super) fn named<T>(row: &Row<'_>, column: usize, of: fn(&str) -> Option<T>) -> Result<T> {
    let name: FromSqlResult<T> =
        row.get_ref(column)?.as_str().and_then(|name| of(name).ok_or(FromSqlError::InvalidType));
    name.map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, cause.into())
    })
}

/// A role, or none where there is no membership.
pub(super) fn role(row: &Row<'_>, column: usize) -> Result<Option<Role>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => named(row, column, Role::from_name).map(Some),
    }
}

/// Kind, history and posting in the three columns given.
pub(super) fn settings(row: &Row<'_>, columns: [usize; 3]) -> Result<(RoomKind, History, Posting)> {
    Ok((
        named(row, columns[0], RoomKind::from_name)?,
        named(row, columns[1], History::from_name)?,
        named(row, columns[2], Posting::from_name)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> EventRow<'static> {
        EventRow {
            room: RoomId::from_i64(7),
            seq: Seq::new(3),
            n: Some(2),
            kind: EventKind::Message,
            from: UserId::from_i64(9),
            at_ms: 1_800_000_000_000,
            key: Some(Key::new(1_800_000_000_000, 5)),
            rev: None,
            body: Some(r#"{"text":"hi"}"#),
        }
    }

    #[test]
    fn the_checksum_covers_every_field() {
        let changed = [
            EventRow { room: RoomId::from_i64(8), ..event() },
            EventRow { seq: Seq::new(4), ..event() },
            EventRow { n: Some(3), ..event() },
            EventRow { n: None, ..event() },
            EventRow { kind: EventKind::RoomCreated, ..event() },
            EventRow { kind: EventKind::Deletion { target: Seq::new(1) }, ..event() },
            EventRow { from: UserId::from_i64(8), ..event() },
            EventRow { at_ms: 1_800_000_000_001, ..event() },
            EventRow { key: None, ..event() },
            EventRow { key: Some(Key::new(1_800_000_000_000, 6)), ..event() },
            EventRow { rev: Some(Seq::new(5)), ..event() },
            EventRow { body: None, ..event() },
            EventRow { body: Some(""), ..event() },
            EventRow { body: Some(r#"{"text":"ho"}"#), ..event() },
        ];
        let mut sums: Vec<_> = changed.iter().chain([&event()]).map(checksum).collect();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), changed.len() + 1);
    }

    /// It is in the databases of everyone: it may never change.
    #[test]
    fn the_checksum_is_what_it_always_was() {
        assert_eq!(checksum(&event()), CHECKSUM_OF_EVENT);
    }

    const CHECKSUM_OF_EVENT: i64 = 7_914_163_428_620_618_632;
}
