//! The server is replaced on a port that stays open, and nobody is turned away.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::watch;

use crate::house::{House, post_on};
use crate::http::Http;
use crate::server::Server;

const PEOPLE: usize = 4;
const RESTARTS: u64 = 8;
const RESTARTS_IN_FULL: u64 = 100;
/// Who knock one after the other, each time by a new connection.
const KNOCKERS: usize = 8;
const SENDERS: usize = 8;
const TABS: usize = 240;
const TABS_IN_FULL: usize = 10_000;
const MOVES: u64 = 3;
/// Things done a second by all who talk; each message goes to all tabs.
const A_SECOND: u32 = 60;
const A_SECOND_IN_FULL: u32 = 5;

/// Who knocks at any moment of a restart is let in, and what is asked over a new connection is answered.
#[test]
fn a_restart_refuses_nobody() {
    crate::on_one_thread(async {
        let server = Server::open_on_kept_port().await;
        let mut house = House::around(server, crate::seed(), PEOPLE).await;
        let room = house.caller(0).create("group", &house.users(1)).await;
        let knocks = Rc::new(Cell::new(0));
        for _ in 0..KNOCKERS {
            let (address, knocks) = (house.server.address(), Rc::clone(&knocks));
            house.spawn(|stop| knock_on(address, knocks, stop));
        }
        for number in 0..SENDERS {
            let caller = house.caller(number % PEOPLE);
            house.spawn(|stop| post_on(caller, vec![room], stop));
        }
        for round in 1..=crate::size(RESTARTS, RESTARTS_IN_FULL) {
            let more = house.journal.draw(|random| random.between(20..=200));
            let enough = house.journal.done.get() + more;
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            let knocked = knocks.get();
            let took = house.server.restart_unannounced().await;
            let lost = house.journal.requests.unanswered();
            assert_eq!(lost, 0, "round {round}: requests over REST");
            println!("round {round}: replaced in {took:?}, {} knocked", knocks.get() - knocked);
        }
        assert_eq!(house.journal.unknown.get(), 0, "somebody was turned away");
        house.judge().await;
    });
}

/// Asks by a new connection each time, and must be answered.
async fn knock_on(address: SocketAddr, knocks: Rc<Cell<u64>>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let answer = Http::new(address).call("GET", "/v1/installation", None, None).await;
        let status = answer.map(|answer| answer.status).map_err(|error| error.to_string());
        assert_eq!(status, Ok(200), "after {} knocks", knocks.get());
        knocks.set(knocks.get() + 1);
    }
}

/// All tabs are told, leave, and come back spread over the time that the server gave them; what was said
/// meanwhile reaches each of them once.
#[test]
fn a_crowd_moves_to_the_next_server() {
    crate::on_one_thread(async {
        let server = Server::open_on_kept_port().await;
        let mut house = House::around(server, crate::seed(), PEOPLE).await;
        let tabs = crate::size(TABS, TABS_IN_FULL);
        house.crowd(tabs, crate::size(A_SECOND, A_SECOND_IN_FULL)).await;
        for round in 1..=MOVES {
            let (before, told) = (house.journal.connections.get(), house.journal.drains.get());
            let enough = house.journal.done.get() + crate::size(60, 20);
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            let took = house.server.restart_unannounced().await;
            let all = before + tabs as u64;
            let back = || house.journal.connections.get() >= all;
            house.journal.until(&format!("all are back after move {round}"), back).await;
            house.all_ready().await;
            assert_eq!(
                house.journal.drains.get() - told,
                tabs as u64,
                "move {round}: all are told"
            );
            let p99 = house.journal.returned_within(99);
            println!("move {round}: {tabs} tabs, replaced in {took:?}, p99 of coming back {p99:?}");
        }
        house.judge().await;
    });
}
