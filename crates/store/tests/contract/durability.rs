//! What was answered is kept: closed, crashed, full or refused.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use chinwag_core::limit::{BATCH_MAX, READ_QUEUE_MAX, WRITER_QUEUE_MAX};
use chinwag_store::write::{Answer, Refusal, Write};
use chinwag_store::{Store, StoreError};
use tokio::sync::oneshot;

use super::world::{body, options};

#[test]
fn everything_is_there_after_closing() {
    let mut world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "hi");
    let before = (world.log(bob, room), world.row(bob, room), world.store().epoch());
    let facts =
        |store: &Store| (store.installation().to_owned(), store.signing_keys(), store.general());
    let then = facts(world.store());
    world.reopen();
    assert_eq!(before, (world.log(bob, room), world.row(bob, room), world.store().epoch()));
    assert_eq!(then, facts(world.store()));
    assert!(!world.store().is_empty());
    assert_eq!(world.send(bob, room, "ho").seq.get(), 5);
}

#[test]
fn everything_that_was_answered_is_there_after_a_crash() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    for n in 0..200 {
        world.send(if n % 2 == 0 { ann } else { bob }, room, &n.to_string());
        if n % 50 == 0 {
            let crashed = world.after_crash();
            assert_eq!(crashed.log(ann, room), world.log(ann, room));
            assert_eq!(crashed.row(bob, room), world.row(bob, room));
            assert_eq!(crashed.send(ann, room, "on").seq, world.head(room).next());
        }
    }
}

#[test]
fn every_installation_has_names_and_secrets_of_its_own() {
    let (one, other) = (super::open(), super::open());
    assert_ne!(one.store().epoch(), other.store().epoch());
    assert_ne!(one.store().installation(), other.store().installation());
    let (key, theirs) = (one.store().signing_keys().remove(0), other.store().signing_keys());
    assert_ne!(key.secret, theirs[0].secret);
    let shown = format!("{key:?}");
    assert!(shown.contains(&key.kid) && !shown.contains("secret"));
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    assert!(one.store().installation().chars().all(lower));
}

#[test]
fn a_folder_is_open_once() {
    let world = super::open();
    let second = Store::open(options(world.folder()), Box::new(|_| {}));
    let Err(StoreError::InUse { folder, by }) = second else { panic!("it opened twice") };
    assert_eq!(folder, world.folder());
    assert_eq!(by, format!("process {}", std::process::id()));
}

#[test]
fn a_full_queue_gives_back_and_everything_taken_is_answered() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let mut answers = Vec::new();
    world.held(|| {
        for n in 0..WRITER_QUEUE_MAX + 10 {
            let (sender, receiver) = oneshot::channel();
            let write = Write::MessageSend { room, body: body(&n.to_string()) };
            let taken = world.submit(ann, world.key(), write, Answer::Caller(sender)).is_ok();
            assert_eq!(taken, n < WRITER_QUEUE_MAX);
            answers.extend(taken.then_some(receiver));
        }
        let statistics = world.store().statistics();
        assert_eq!(statistics.writer_queue, WRITER_QUEUE_MAX as u64);
        assert_eq!(statistics.writer_queue_max, WRITER_QUEUE_MAX as u64);
    });
    for answer in answers {
        assert!(world.block_on(answer).expect("an answer comes").is_ok());
    }
    assert_eq!(world.head(room).get(), WRITER_QUEUE_MAX as u64 + 3);
    let statistics = world.store().statistics();
    assert!(statistics.batches >= (WRITER_QUEUE_MAX / BATCH_MAX) as u64);
    assert_eq!(statistics.writer_queue, 0);
    assert_eq!(statistics.commit_count, statistics.commit_buckets.iter().sum::<u64>());
}

#[test]
fn too_many_reads_are_busy_and_those_taken_are_answered() {
    let world = super::open();
    let (go, wait) = sync_channel::<()>(2);
    let wait = Arc::new(Mutex::new(wait));
    let (entered, seen) = sync_channel::<()>(2);
    let hold = |wait: Arc<Mutex<Receiver<()>>>, entered: std::sync::mpsc::SyncSender<()>| {
        world.store().read(move |_| {
            entered.send(()).expect("the test listens");
            wait.lock().expect("no reader panics").recv().expect("the test lets go");
        })
    };
    world.block_on(async {
        let mut held: Vec<_> =
            (0..2).map(|_| Box::pin(hold(Arc::clone(&wait), entered.clone()))).collect();
        for held in &mut held {
            poll_once(held.as_mut());
        }
        for _ in 0..2 {
            seen.recv().expect("both readers are held");
        }
        let mut waiting: Vec<_> =
            (0..READ_QUEUE_MAX).map(|n| Box::pin(world.store().read(move |_| n))).collect();
        for waiting in &mut waiting {
            poll_once(waiting.as_mut());
        }
        assert_eq!(world.store().statistics().read_queue, READ_QUEUE_MAX as u64);
        assert_eq!(world.store().read(|_| 0).await, Err(Refusal::Busy));
        go.send(()).expect("the readers wait");
        go.send(()).expect("the readers wait");
        for held in held {
            assert_eq!(held.await, Ok(()));
        }
        for (n, waiting) in waiting.into_iter().enumerate() {
            assert_eq!(waiting.await, Ok(n));
        }
    });
}

/// Lets a read queue itself, as any first poll does.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.poll(&mut context).is_pending());
}

#[test]
fn closing_answers_what_is_queued_and_refuses_what_comes() {
    let world = super::open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let mut answers = Vec::new();
    std::thread::scope(|scope| {
        let closing = world.held(|| {
            for n in 0..100 {
                let (sender, receiver) = oneshot::channel();
                let write = Write::MessageSend { room, body: body(&n.to_string()) };
                let taken = world.submit(ann, world.key(), write, Answer::Caller(sender));
                assert!(taken.is_ok());
                answers.push(receiver);
            }
            let store = world.store();
            scope.spawn(|| store.close())
        });
        closing.join().expect("closing goes well");
    });
    for answer in answers {
        assert!(world.block_on(answer).expect("an answer comes").is_ok());
    }
    let write = Write::MessageSend { room, body: body("late") };
    assert_eq!(world.write(ann, write), Err(Refusal::Busy));
    assert_eq!(world.block_on(world.store().read(|_| ())), Err(Refusal::Busy));
    world.store().close();
}

#[test]
fn a_read_that_panics_takes_no_other_with_it() {
    let world = super::open();
    let ann = world.user("ann");
    for _ in 0..4 {
        let read = world.store().read(|_| panic!("on purpose"));
        assert_eq!(world.block_on(read), Err::<(), _>(Refusal::Unavailable));
    }
    assert!(world.read(move |reader| reader.user(ann)).is_some());
}
