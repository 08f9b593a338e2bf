//! Someone is removed while everyone sends: not one event of what comes after reaches the one who is
//! out, and not one message of that one is taken.

use chinwag_client::sync::Progress;
use chinwag_proto::code::ErrorCode;

use crate::house::House;

const ROUNDS: u64 = 200;
/// Things done a second by the others.
const A_SECOND: u32 = 300;

#[test]
fn the_removed_one_hears_and_says_nothing() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), 4).await;
        let room = house.caller(0).create("group", &house.users(1)).await;
        for person in 0..3 {
            house.device(person, None);
        }
        house.all_ready().await;
        house.type_on(A_SECOND);
        let tabs = [house.device(3, None), house.device(3, None)];
        house.all_ready().await;
        let (mut owner, mut program) = (house.caller(0), house.caller(3));
        let removed = house.people[3].user;
        for round in 0..ROUNDS {
            let said = house.journal.draw(|random| random.below(4));
            let enough = house.journal.done.get() + said;
            for tab in &tabs {
                for number in 0..3 {
                    tab.say(room, format!("round {round}, {number}"));
                }
            }
            house.journal.until("some of it is said", || house.journal.done.get() >= enough).await;
            let text = format!("round {round}, by the other door");
            let (out, posted) =
                tokio::join!(owner.remove(room, removed), program.post(room, &text));
            assert_eq!(out, Ok(()));
            assert!(matches!(posted, Ok(_) | Err(ErrorCode::NotFound)), "{posted:?}");
            assert_eq!(program.post(room, "I am out").await, Err(ErrorCode::NotFound));
            for tab in &tabs {
                tab.say(room, format!("round {round}, I am out"));
                house.journal.until("the tab knows that it is out", || !tab.knows(room)).await;
                let open = |progress| !matches!(progress, Progress::Failed { .. });
                let refused = || tab.pending(open).is_empty();
                house.journal.until("what was said is settled", refused).await;
                tab.discard_failed();
            }
            assert_eq!(owner.add(room, removed).await, Ok(()));
            for tab in &tabs {
                house.journal.until("the tab knows that it is in", || tab.knows(room)).await;
            }
        }
        house.judge().await;
    });
}
