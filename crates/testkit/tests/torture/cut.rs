//! A bad way to the server: connections end between the commit and the answer, again and again.

use std::rc::Rc;

use crate::house::House;
use crate::proxy::Proxy;

const PEOPLE: usize = 4;
const A_SECOND: u32 = 400;
/// Answers that never come.
const CUTS: u64 = 40;
const CUTS_IN_FULL: u64 = 500;
/// Commands that end in their middle.
const QUESTIONS_MIN: u64 = 2;

/// Whoever has no answer asks again with the same key, and so learns what became of it; nothing is lost
/// by it, and nothing is there twice.
#[test]
fn a_cut_between_commit_and_answer_is_resolved() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        let proxy = Proxy::open(house.server.address(), Rc::clone(&house.journal)).await;
        house.by(proxy.address);
        house.furnish().await;
        house.type_on(A_SECOND);
        let enough = crate::size(CUTS, CUTS_IN_FULL);
        for tenth in 1..=10 {
            let what = format!("{tenth} tenths of {enough} answers are cut off");
            let is_enough = || {
                let (answers, questions) = proxy.cuts();
                let repeated = house.journal.repeated.get();
                answers >= enough * tenth / 10 && questions >= QUESTIONS_MIN && repeated > 0
            };
            house.journal.until(&what, is_enough).await;
        }
        let (answers, questions) = proxy.cuts();
        println!("{answers} answers and {questions} questions were cut off");
        house.by(house.server.address());
        house.judge().await;
    });
}
