//! A backup under load has all that was answered before it began; put in the database's place it begins
//! another history, into which every client comes back by itself with what it had not sent.

use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId};
use chinwag_testkit::check::{Evidence, RoomHistory, check};
use chinwag_testkit::ledger::{Entry, Ledger, text_hash};

use crate::evidence::stored;
use crate::house::{House, post_on};

const BACKUPS: u64 = 4;
const PEOPLE: usize = 4;
const A_SECOND: u32 = 600;
/// What each tab says while the server is down.
const UNSENT: usize = 5;

#[test]
fn a_backup_under_load_has_all_that_was_answered_before() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        house.furnish().await;
        house.type_on(A_SECOND);
        for number in 0..BACKUPS {
            let enough = house.journal.done.get() + 200;
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            let before = house.journal.ledger().records().len();
            let name = format!("{number}.db");
            house.server.command(&["backup", &name]).await;
            let records = house.journal.ledger();
            let mut ledger = Ledger::new();
            for (place, record) in records.records().iter().enumerate() {
                // Of what was answered meanwhile it may have some, and not the rest.
                if place < before || matches!(record.entry, Entry::Asked { .. }) {
                    ledger.write(record.at_ms, record.device, record.entry.clone());
                }
            }
            let evidence =
                Evidence { store: stored(&house.server.file(&name)), ..Evidence::default() };
            let events: usize = evidence.store.iter().map(|room| room.events.len()).sum();
            println!("backup {number}: {before} records before it, {events} events in it");
            let found = check(&ledger, &evidence);
            assert!(found.is_empty(), "{} promises: {:?}", found.len(), found.first());
        }
        house.judge().await;
    });
}

#[test]
fn clients_come_back_into_a_restored_history() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        let room = house.caller(0).create("group", &house.users(1)).await;
        for person in 0..PEOPLE {
            house.device(person, None);
        }
        house.all_ready().await;
        let (caller, rooms) = (house.caller(0), vec![room]);
        house.spawn(|stop| post_on(caller, rooms, stop));
        let enough = house.journal.done.get() + 100;
        house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
        house.quiet().await;
        house.converge().await;
        let mut caller = house.caller(1);
        let kept = caller.post(room, "before the backup").await.expect("a member may");
        let regretted = caller.post(room, "regretted").await.expect("a member may");
        house.server.command(&["backup", "b.db"]).await;
        caller.post(room, "after the backup").await.expect("a member may");
        caller.delete(room, regretted).await.expect("it is one's own");
        house.converge().await;

        let (status, _) = house.server.terminate().await;
        assert!(status.success());
        let mut unsent: Vec<(Key, String)> = Vec::new();
        for device in &house.devices {
            for number in 0..UNSENT {
                let text = format!("said while it was down, {number}");
                unsent.push((device.say_as(room, text.clone()), text));
            }
        }
        let told = house.server.command(&["restore", "b.db", "--replace"]).await;
        assert!(told.contains(" 1 messages, 0 drafts, 0 accounts"), "{told}");
        house.server.start().await;
        house.all_ready().await;
        house.converge().await;
        let (status, _) = house.server.terminate().await;
        assert!(status.success());
        let verified = house.server.command(&["verify"]).await;
        assert!(verified.contains("nothing is wrong"), "{verified}");

        let log = log_of(&house.stored(), room);
        for (key, text) in &unsent {
            let sent: Vec<_> = log.iter().filter(|event| event.key == Some(*key)).collect();
            let [sent] = sent.as_slice() else { panic!("{text}: {} times", sent.len()) };
            assert_eq!(hash(sent), Some(text_hash(text)));
        }
        let texts: Vec<_> = log.iter().filter_map(hash).collect();
        let count = |text: &str| texts.iter().filter(|&&hash| hash == text_hash(text)).count();
        assert_eq!(count("before the backup"), 1);
        assert_eq!(count("after the backup"), 0, "it is another history");
        assert_eq!(count("regretted"), 0, "what was deleted stays deleted");
        let at = |seq| log.iter().find(|event| event.seq == seq).expect("it is there");
        assert!(at(kept).body.is_some() && at(regretted).body.is_none());
        assert!(log.iter().any(|event| event.kind == EventKind::Deletion { target: regretted }));
    });
}

fn log_of(rooms: &[RoomHistory], room: RoomId) -> Vec<Event> {
    let found = rooms.iter().find(|history| history.room == room).expect("the room is there");
    found.events.clone()
}

fn hash(event: &Event) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_str(event.body.as_deref()?).ok()?;
    Some(text_hash(body.get("text")?.as_str()?))
}
