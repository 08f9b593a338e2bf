//! No descriptor is left: those inside talk on, the port rests, and who waits outside comes in later.

use std::time::Instant;

use tokio::net::TcpStream;

use crate::house::House;
use crate::http::Http;

/// Descriptors that are free when the crowd comes, and how many come.
const FREE: u64 = 4;
const CROWD: usize = 64;
/// What the port says each time that it rests, and how long it rests at least.
const RESTS: &str = "no connection can be accepted for a moment";
const REST_MS: u128 = 100;

#[test]
fn without_descriptors_those_inside_talk_on() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), 2).await;
        let mut inside = house.caller(0);
        let room = inside.create("group", &house.users(1)).await;
        house.device(1, None);
        house.all_ready().await;
        house.server.leave_descriptors(FREE);
        let began = Instant::now();
        let mut crowd = Vec::new();
        for _ in 0..CROWD {
            crowd.push(TcpStream::connect(house.server.address()).await.expect("a backlog"));
        }
        let rests = || house.server.log().matches(RESTS).count() as u128;
        let mut said = 0;
        while rests() < 5 {
            inside.post(room, &format!("number {said}")).await.expect("a member may post");
            said += 1;
        }
        let at_most = began.elapsed().as_millis() / REST_MS + 2;
        assert!(rests() <= at_most, "{} rests where {at_most} fit: it spins", rests());
        drop(crowd);
        let mut late = Http::new(house.server.address());
        let answer = late.call("GET", "/v1/installation", None, None).await.expect("it is let in");
        assert!(answer.is_success(), "{} {}", answer.status, answer.body);
        house.judge().await;
    });
}
