//! A disk that is full, and has room again, while everyone talks: what is refused is said to be, what is
//! there can be read, and nobody has to come for it to go on.

use serde_json::json;

use crate::house::House;
use crate::http::Http;
use crate::server::Server;

const CYCLES: u64 = 3;
const CYCLES_IN_FULL: u64 = 100;
const PEOPLE: usize = 4;
const A_SECOND: u32 = 200;
/// More than the log that the server keeps to itself.
const DISK_MIB: u32 = 128;

#[test]
fn a_full_disk_is_read_from_and_has_room_again() {
    crate::on_one_thread(async {
        let Some(server) = Server::open_on_small_disk(DISK_MIB).await else {
            return println!(
                "left out: this system lets nobody mount in a name space of their own"
            );
        };
        let mut house = House::around(server, crate::seed(), PEOPLE).await;
        house.furnish().await;
        house.type_on(A_SECOND);
        for cycle in 1..=crate::size(CYCLES, CYCLES_IN_FULL) {
            let enough =
                house.journal.done.get() + house.journal.draw(|random| random.between(20..=200));
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            house.server.disk().fill();
            let is_noticed = || count(&house, "the disk is full") == cycle;
            house.journal.until("it is noticed", is_noticed).await;
            is_read_only(&house).await;
            house.server.disk().clear();
            let is_over = || count(&house, "the disk has room again") == cycle;
            house.journal.until("it goes on by itself", is_over).await;
            is_as_ever(&house).await;
        }
        house.judge().await;
    });
}

fn count(house: &House, line: &str) -> u64 {
    house.server.log().matches(line).count() as u64
}

/// Sends are refused with a reason, everything can be read, and who watches can see why.
async fn is_read_only(house: &House) {
    let mut http = Http::new(house.server.address());
    let token = house.people[0].token();
    let listed = http.call("GET", "/v1/rooms", Some(token), None).await.expect("it answers");
    assert!(listed.is_success(), "{} {}", listed.status, listed.body);
    let room = &listed.body["rooms"][0]["id"];
    let path = format!("/v1/rooms/{}/messages", room.as_str().expect("a room has an id"));
    let page = http.call("GET", &path, Some(token), None).await.expect("it answers");
    assert!(page.is_success(), "{} {}", page.status, page.body);
    let body = json!({ "text": "not now" });
    let refused = http.call("POST", &path, Some(token), Some(&body)).await.expect("it answers");
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("busy")));
    let message = refused.body["message"].as_str().expect("a sentence");
    assert!(message.contains("disk is full"), "{message}");
    assert!(refused.retry_after().is_some(), "it says when to try again");
    assert_eq!(said(&mut http, "/readyz").await, "read-only: the disk is full\n");
    assert!(said(&mut http, "/metrics").await.contains("chinwag_store_read_only 1\n"));
}

async fn is_as_ever(house: &House) {
    let mut http = Http::new(house.server.address());
    assert_eq!(said(&mut http, "/readyz").await, "ok\n");
    assert!(said(&mut http, "/metrics").await.contains("chinwag_store_read_only 0\n"));
    let enough = house.journal.done.get() + 20;
    house.journal.until("what waited is done", || house.journal.done.get() >= enough).await;
}

async fn said(http: &mut Http, path: &str) -> String {
    let answer = http.call("GET", path, None, None).await.expect("it answers");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body.as_str().expect("a text").to_owned()
}
