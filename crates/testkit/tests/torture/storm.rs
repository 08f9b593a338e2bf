//! Everyone loses the connection at once and comes back at once, while messages flow.

use crate::house::House;

const PEOPLE: usize = 6;
const TABS: usize = 50;
const STORMS: usize = 4;
/// Things done a second by those who talk; each message goes to all tabs of all.
const A_SECOND: u32 = 120;

#[test]
fn reconnect_storm() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        let mut owner = house.caller(0);
        let others = house.users(1);
        owner.create("channel", &others).await;
        owner.create("group", &others).await;
        for person in 0..PEOPLE {
            house.device(person, None);
        }
        house.all_ready().await;
        house.type_on(A_SECOND);
        for person in 0..PEOPLE {
            for _ in 1..TABS {
                house.device(person, None);
            }
        }
        house.all_ready().await;
        for storm in 1..=STORMS {
            let before = house.journal.connections.get();
            let enough = house.journal.done.get() + 60;
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            for device in &house.devices {
                device.cut();
            }
            let all = before + (PEOPLE * TABS) as u64;
            let back = || house.journal.connections.get() >= all;
            house.journal.until(&format!("all are back after storm {storm}"), back).await;
            house.all_ready().await;
        }
        house.judge().await;
    });
}
