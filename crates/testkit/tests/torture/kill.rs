//! `kill -9`, again and again, while everyone talks, joins, leaves and is removed.

use std::time::Duration;

use chinwag_testkit::random::Random;

use crate::house::House;

const KILLS: u32 = 24;
const KILLS_IN_FULL: u32 = 300;
const PEOPLE: usize = 6;
/// Things done a second by all tabs together; the two programs post beside them as fast as they can.
const A_SECOND: u32 = 1_200;

/// When the server dies.
#[derive(Debug)]
enum Moment {
    /// After so many more commands were done.
    Done(u64),
    /// At some time: in the middle of everyone's coming back, of a commit, of nothing.
    After(Duration),
}

impl Moment {
    fn draw(random: &mut Random) -> Self {
        match random.below(3) {
            0 => Self::After(Duration::from_micros(random.below(120_000))),
            _ => Self::Done(random.between(1..=1_500)),
        }
    }

    async fn come(&self, house: &House) {
        match *self {
            Self::Done(more) => {
                let enough = house.journal.done.get() + more;
                let what = format!("{more} more commands are done");
                house.journal.until(&what, || house.journal.done.get() >= enough).await;
            }
            Self::After(time) => crate::rest(time).await,
        }
    }
}

#[test]
fn kill_minus_nine_under_load() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        house.furnish().await;
        house.type_on(A_SECOND);
        for _ in 0..crate::size(KILLS, KILLS_IN_FULL) {
            let moment = house.journal.draw(Moment::draw);
            moment.come(&house).await;
            house.server.kill();
            misfortune(&mut house).await;
            house.server.start().await;
        }
        assert!(house.journal.unknown.get() > 0, "it always died between two commands");
        house.quiet().await;
        house.all_delivered().await;
        house.judge().await;
    });
}

/// What else goes wrong while it is down: it dies again before it is up, and somebody loads the page
/// anew.
async fn misfortune(house: &mut House) {
    if house.journal.draw(|random| random.chance(300)) {
        let after = Duration::from_micros(house.journal.draw(|random| random.below(60_000)));
        house.server.start_and_kill(after).await;
    }
    let devices = house.devices.clone();
    if let Some(device) = house.journal.draw(|random| random.pick(&devices).cloned()) {
        device.reload();
    }
}
