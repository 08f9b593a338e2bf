//! Everyone loses the connection at once and comes back at once, while messages flow.

use std::time::Duration;

use crate::house::House;

const PEOPLE: usize = 6;
const TABS: usize = 300;
const TABS_IN_FULL: usize = 10_000;
const STORMS: usize = 4;
const STORMS_IN_FULL: usize = 10;
/// Things done a second by those who talk; each message goes to all tabs of all.
const A_SECOND: u32 = 120;
const A_SECOND_IN_FULL: u32 = 5;
/// Of a hundred tabs ninety-nine are back within it.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// What a storm may add to the server's memory, in hundredths; only with many tabs is that more than chance.
const MEMORY_MAX: u64 = 130;

#[test]
fn reconnect_storm() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        let tabs = crate::size(TABS, TABS_IN_FULL);
        house.crowd(tabs, crate::size(A_SECOND, A_SECOND_IN_FULL)).await;
        let resident = house.server.resident_bytes();
        for storm in 1..=crate::size(STORMS, STORMS_IN_FULL) {
            let before = house.journal.connections.get();
            let enough = house.journal.done.get() + crate::size(60, 20);
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            for device in &house.devices {
                device.cut();
            }
            let all = before + tabs as u64;
            let back = || house.journal.connections.get() >= all;
            house.journal.until(&format!("all are back after storm {storm}"), back).await;
            house.all_ready().await;
            let p99 = house.journal.returned_within(99);
            let grown = house.server.resident_bytes() * 100 / resident;
            println!("storm {storm}: p99 of coming back {p99:?}, memory {grown} %");
            assert!(p99 <= BACK_WITHIN, "storm {storm}: they took {p99:?}");
            assert!(
                grown <= crate::size(u64::MAX, MEMORY_MAX),
                "storm {storm}: {grown} % of memory"
            );
        }
        house.judge().await;
    });
}
