//! A crowd signs in at once, and the chat goes on.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::house::{House, PASSWORD};
use crate::http::Http;

const PEOPLE: usize = 6;
const LOGINS: usize = 200;
/// Messages that must get through while some of the crowd still wait. Alone they take milliseconds.
const POSTS_MIN: u64 = 20;

#[test]
fn a_crowd_that_signs_in() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        let room = house.caller(0).create("group", &house.users(1)).await;
        for person in 0..PEOPLE {
            house.device(person, None);
        }
        house.all_ready().await;
        let (waiting, busy) = (Rc::new(Cell::new(LOGINS)), Rc::new(Cell::new(0)));
        let mut crowd = JoinSet::new();
        for number in 0..LOGINS {
            let handle = &house.people[number % PEOPLE].handle;
            let login = json!({ "handle": handle, "password": PASSWORD, "refresh": "body" });
            let http = Http::new(house.server.address());
            let (waiting, busy) = (Rc::clone(&waiting), Rc::clone(&busy));
            crowd.spawn_local(async move {
                sign_in(http, login, &busy).await;
                waiting.set(waiting.get() - 1);
            });
        }
        let mut caller = house.caller(0);
        let mut posted = 0;
        while waiting.get() > 0 {
            let text = format!("number {posted}");
            caller.post(room, &text).await.expect("a member may post");
            posted += u64::from(waiting.get() > 0);
        }
        while let Some(signed_in) = crowd.join_next().await {
            signed_in.expect("everyone could sign in");
        }
        println!("{posted} messages while {LOGINS} signed in, {} times busy", busy.get());
        assert!(posted >= POSTS_MIN, "only {posted} messages got through");
        house.judge().await;
    });
}

/// Tries until the server has time; it must say for how long it has not.
async fn sign_in(mut http: Http, login: Value, busy: &Cell<u64>) {
    loop {
        let answer = http.call("POST", "/v1/auth/login", None, Some(&login)).await;
        let answer = answer.expect("each is answered");
        if answer.status == 200 {
            assert!(answer.body["access_token"].is_string(), "signed in without a token");
            return;
        }
        let wait = answer.retry_after();
        let wait = wait.unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
        busy.set(busy.get() + 1);
        crate::rest(wait).await;
    }
}
