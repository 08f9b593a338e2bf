//! SIGTERM while everyone talks: all that was said is answered, all are told, nothing is lost.

use std::time::Duration;

use chinwag_core::id::Seq;
use chinwag_core::limit::DRAIN_WITHIN;
use chinwag_proto::frame::{ClientFrame, Hello, MessageSend, ServerFrame};
use chinwag_proto::ws::CloseCode;
use chinwag_testkit::ledger::{DeviceId, Entry, text_hash};

use crate::house::{House, post_on};
use crate::socket::{Heard, Socket};

const ROUNDS: u64 = 6;
const ROUNDS_IN_FULL: u64 = 100;
const PEOPLE: usize = 4;
const A_SECOND: u32 = 600;
/// Drains under those who call over REST, and their number.
const RESTARTS: u64 = 15;
const RESTARTS_IN_FULL: u64 = 200;
const SENDERS: usize = 24;
/// For a machine that does much else.
const MARGIN: Duration = Duration::from_secs(3);
/// Commands of one client that the server has not begun to read when it is told to leave.
const QUEUED: u64 = 200;

#[test]
fn sigterm_drains() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), PEOPLE).await;
        house.furnish().await;
        house.type_on(A_SECOND);
        for round in 1..=crate::size(ROUNDS, ROUNDS_IN_FULL) {
            let enough =
                house.journal.done.get() + house.journal.draw(|random| random.between(50..=400));
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            house.all_ready().await;
            drained(&mut house, round).await;
            house.server.start().await;
        }
        house.judge().await;
    });
}

/// Ends the server politely and looks at how every connection ended.
async fn drained(house: &mut House, round: u64) {
    for device in &house.devices {
        device.settle_up();
    }
    let (status, took) = house.server.terminate().await;
    assert!(status.success(), "round {round}: it ended with {status}");
    assert!(took <= DRAIN_WITHIN + MARGIN, "round {round}: it took {took:?}");
    let parted = || house.devices.iter().all(|device| device.has_parted());
    house.journal.until("every connection has ended", parted).await;
    assert_eq!(house.journal.requests.unanswered(), 0, "round {round}: requests over REST");
    for device in &house.devices {
        let who = device.id.get();
        let parting = device.parting().expect("it has parted");
        assert!(parting.drained, "round {round}: {who:?} was not told of the drain");
        assert_eq!(parting.closed, Some(Some(CloseCode::RESTART)), "round {round}: {who:?}");
        assert!(
            parting.owed.is_empty(),
            "round {round}: {who:?} has no answer to {:?}",
            parting.owed
        );
    }
}

/// Those who call over REST know nothing of a drain. What they have begun to send is answered all the
/// same, and who comes too late learns it before that: the port is closed, and a connection that is
/// kept has ended while it was still.
#[test]
fn a_request_is_answered_or_never_sent() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), 2).await;
        let room = house.caller(0).create("group", &house.users(1)).await;
        for number in 0..SENDERS {
            let caller = house.caller(number % 2);
            house.spawn(|stop| post_on(caller, vec![room], stop));
        }
        for round in 1..=crate::size(RESTARTS, RESTARTS_IN_FULL) {
            let more = house.journal.draw(|random| random.between(20..=200));
            let enough = house.journal.done.get() + more;
            house.journal.until("enough is done", || house.journal.done.get() >= enough).await;
            let (status, took) = house.server.terminate_unannounced().await;
            assert!(status.success(), "round {round}: it ended with {status}");
            assert!(took <= DRAIN_WITHIN, "round {round}: it took {took:?}");
            let lost = house.journal.requests.unanswered();
            assert_eq!(lost, 0, "round {round}: requests over REST");
            house.server.start().await;
        }
        house.judge().await;
    });
}

/// What lies in the socket when the signal comes was sent before `drain` as well: each of it is
/// answered, in order, with what became of it or with `busy`.
#[test]
fn what_lies_in_the_socket_is_answered() {
    crate::on_one_thread(async {
        let mut house = House::open(crate::seed(), 2).await;
        let room = house.caller(0).create("group", &house.users(1)).await;
        let mut socket = Socket::open(house.server.address(), None).await.expect("it listens");
        let id = DeviceId { user: house.people[0].user, number: 500, life: 0 };
        let token = house.people[0].token().to_owned();
        let hello = Hello { token, epoch: None, cursors: Vec::new() };
        socket.say(&ClientFrame::Hello(hello)).expect("it takes a frame");
        let mut heard = Vec::new();
        while heard.is_empty() {
            socket.turn(true, &mut heard).await.expect("it answers");
        }
        house.journal.note(id, Entry::Connected);
        let mut keys = Vec::new();
        for reference in 1..=QUEUED {
            let (key, text) = (house.journal.key(), format!("number {reference}"));
            house.journal.note(id, Entry::Asked { room, key, hash: text_hash(&text) });
            let send = MessageSend { reference, room, key, text };
            socket.say(&ClientFrame::MessageSend(send)).expect("it takes a frame");
            keys.push(key);
        }
        assert!(socket.is_flushed(), "the system takes so little at once");
        let ended = house.server.terminate();
        let listened = async {
            let mut answered = Vec::new();
            loop {
                let turned = socket.turn(true, &mut heard).await;
                let over = heard.iter().any(|heard| matches!(heard, Heard::Closed(_)));
                answered.extend(heard.drain(..).filter_map(|heard| answer(&heard)));
                if over || turned.is_err() {
                    return answered;
                }
            }
        };
        let ((status, _), answered) = tokio::join!(ended, listened);
        assert!(status.success(), "it ended with {status}");
        let references: Vec<u64> = answered.iter().map(|&(reference, _)| reference).collect();
        assert_eq!(references, (1..=QUEUED).collect::<Vec<_>>(), "each is answered, in order");
        for (reference, seq) in answered {
            if let Some(seq) = seq {
                let key = keys[reference as usize - 1];
                house.journal.note(id, Entry::Done { room, key, seq: Some(seq) });
            }
        }
        house.server.start().await;
        house.judge().await;
    });
}

/// The `ref` that a frame answers, and the event that the command made.
fn answer(heard: &Heard) -> Option<(u64, Option<Seq>)> {
    let Heard::Frame(frame) = heard else {
        return None;
    };
    match &**frame {
        ServerFrame::Reply(reply) => Some((reply.reference, reply.seq)),
        ServerFrame::Error(error) => Some((error.reference?, None)),
        _ => None,
    }
}
