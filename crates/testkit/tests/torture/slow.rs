//! A reader that stops reading costs itself, and nobody else.

use std::rc::Rc;

use chinwag_core::id::{RoomId, Seq};
use chinwag_core::limit::TEXT_BYTES_MAX;

use crate::caller::Caller;
use crate::device::Device;
use crate::house::House;

const ROOMS: usize = 16;
/// Of the longest texts, in each room: together many times what a socket and an outbox hold.
const MESSAGES: usize = 50;
/// Bytes that the slow reader's system holds.
const RECEIVE_BYTES: u32 = 32 * 1_024;
/// Bytes by which the server may grow: an outbox, what the database's caches take, what an allocator
/// keeps; 3 MB as measured. Without a bound it grew by 14 MB.
const GROWTH_BYTES_MAX: u64 = 8 * 1_024 * 1_024;

#[test]
fn slow_reader_costs_only_itself() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), 3).await;
        let mut owner = house.caller(0);
        let mut rooms = Vec::new();
        for _ in 0..ROOMS {
            rooms.push(owner.create("group", &house.users(1)).await);
        }
        let slow = house.device(2, Some(RECEIVE_BYTES));
        let quick = [house.device(0, None), house.device(1, None), house.device(2, None)];
        house.all_ready().await;
        let warm = [
            post(house.caller(0), rooms.clone(), 12).await,
            post(house.caller(1), rooms.clone(), 12).await,
        ];
        shown(&house, &house.devices, &warm.concat()).await;

        let before = house.server.resident_bytes();
        slow.reading(false);
        let (first, second) = (house.caller(0), house.caller(1));
        let half = MESSAGES / 2;
        let (first, second) =
            tokio::join!(post(first, rooms.clone(), half), post(second, rooms.clone(), half));
        shown(&house, &quick, &[first, second].concat()).await;
        let grown = house.server.resident_bytes().saturating_sub(before);
        println!("the server has grown by {} KiB", grown / 1_024);
        assert!(grown <= GROWTH_BYTES_MAX, "it has grown by {grown} bytes");
        let behind = rooms.iter().filter(|&&room| slow.cursor(room) < quick[0].cursor(room));
        assert_eq!(behind.count(), ROOMS, "it was not slow");

        slow.reading(true);
        house.journal.until("it was told that it lags", || !slow.lagged().is_empty()).await;
        house.converge().await;
        let lagged: Vec<RoomId> = slow.lagged().into_keys().collect();
        let mut expected = rooms.clone();
        expected.sort_unstable();
        assert_eq!(lagged, expected, "it lags in each of the rooms, and in no other");
        let connections = house.journal.connections.get();
        assert_eq!(connections, house.devices.len() as u64, "nobody had to come back");
        house.judge().await;
    });
}

/// Posts so many of the longest texts in each room, and gives the last of each.
async fn post(mut caller: Caller, rooms: Vec<RoomId>, each: usize) -> Vec<(RoomId, Seq)> {
    let mut last = Vec::new();
    for number in 0..each {
        last.clear();
        for &room in &rooms {
            let text = format!("{number:0TEXT_BYTES_MAX$}");
            let seq = caller.post(room, &text).await.expect("a member may post");
            last.push((room, seq));
        }
    }
    last
}

/// Waits until these tabs show these messages.
async fn shown(house: &House, tabs: &[Rc<Device>], messages: &[(RoomId, Seq)]) {
    for tab in tabs {
        let shows = || messages.iter().all(|&(room, seq)| tab.cursor(room) >= Some(seq));
        house.journal.until("all is shown", shows).await;
    }
}
