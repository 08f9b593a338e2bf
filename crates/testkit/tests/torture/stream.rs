//! Half of all tabs come by event streams, whose commands go by REST: under load the server dies, drains
//! and cuts them off, and all the same each has everything, once and in order.

use crate::house::House;

const PEOPLE: usize = 4;
/// Things done a second by all tabs together.
const A_SECOND: u32 = 600;
const ROUNDS: u32 = 6;
/// Commands between two misfortunes.
const MORE: u64 = 150;

#[test]
fn those_who_come_by_stream_miss_nothing() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        house.furnish().await;
        let streams: Vec<_> = (0..PEOPLE).map(|person| house.stream(person)).collect();
        house.all_ready().await;
        house.type_on(A_SECOND);
        for round in 0..ROUNDS {
            let enough = house.journal.done.get() + MORE;
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            match round % 3 {
                0 => {
                    house.server.kill();
                    house.server.start().await;
                }
                1 => {
                    let (status, _) = house.server.terminate_unannounced().await;
                    assert!(status.success(), "round {round}: it ended with {status}");
                    house.server.start().await;
                }
                _ => streams.iter().for_each(|stream| stream.cut()),
            }
            house.all_ready().await;
        }
        assert!(streams.iter().all(|stream| stream.has_said()), "a stream's tab said nothing");
        house.judge().await;
    });
}
