//! Measures durable sends and a page of history on a database of a million messages.
//!
//! `cargo run --release -p chinwag-store --example durable [messages]`
//!
//! Every sender waits for its own answer, which comes after the fsync. Group commit is what the store
//! does; one commit a message is the same store with one sender at a time, and, since that also waits
//! for a thread's answer in between, a bare loop of one insert and commit on a table like the store's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chinwag_core::access::RoomKind;
use chinwag_core::id::{Key, RoomId, Seq, SessionId, UserId};
use chinwag_core::limit::BATCH_MAX;
use chinwag_core::text::{Handle, Name};
use chinwag_store::read::At;
use chinwag_store::write::{Admission, NewSession, PasswordHash, TokenHash, Write, Written};
use chinwag_store::{Options, Store};
use rusqlite::{Connection, params};

/// Messages in the room before anything is measured.
const PRELOADED: usize = 1_000_000;
/// Messages in flight, and the users that send them.
const IN_FLIGHT: usize = 512;
/// How long each way is measured.
const FOR: Duration = Duration::from_secs(5);

const BODY: &str = r#"{"text":"The quick brown fox jumps over the lazy dog, and then it does so again for a while."}"#;

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn random(bytes: &mut [u8]) {
    use std::hash::{BuildHasher, RandomState};
    for (place, chunk) in bytes.chunks_mut(8).enumerate() {
        let drawn = RandomState::new().hash_one(place).to_le_bytes();
        chunk.copy_from_slice(&drawn[..chunk.len()]);
    }
}

fn key() -> Key {
    let mut bytes = [0; 16];
    random(&mut bytes);
    Key::new(now_ms(), u128::from_le_bytes(bytes))
}

fn open(folder: &Path) -> Arc<Store> {
    let options = Options { folder: folder.to_owned(), readers: 2, now_ms, random };
    Arc::new(Store::open(options, Box::new(|_| {})).expect("the store opens"))
}

async fn user(store: &Store, number: usize) -> UserId {
    let user = UserId::new(now_ms(), number as u32);
    let mut refresh = [0; 32];
    random(&mut refresh);
    let session = NewSession {
        id: SessionId::new(now_ms(), number as u32),
        refresh: TokenHash(refresh),
        label: "bench".to_owned(),
    };
    let write = Write::UserCreate {
        handle: Handle::new(&format!("user{number}")).expect("a good handle"),
        display_name: Name::new("One of many").expect("a good name"),
        password: PasswordHash("$argon2id$".to_owned()),
        admission: Admission::Open,
        session,
    };
    store.write(user, key(), now_ms(), write).await.expect("the account is made");
    user
}

async fn room(store: &Store, owner: UserId, members: &[UserId]) -> RoomId {
    let room = RoomId::new(now_ms(), 7);
    let write = Write::RoomCreate {
        room,
        kind: RoomKind::Channel,
        name: Some(Name::new("bench").expect("a good name")),
        members: Vec::new(),
        body: "{}".into(),
    };
    store.write(owner, key(), now_ms(), write).await.expect("the room is made");
    for &user in members {
        let joined = store.write(user, key(), now_ms(), Write::RoomJoin { room }).await;
        joined.expect("anyone joins a channel");
    }
    room
}

/// Fills the room through the store, many at a time.
async fn preload(store: &Arc<Store>, room: RoomId, users: &[UserId], count: usize) {
    let sent = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..BATCH_MAX)
        .map(|place| {
            let (store, sent) = (Arc::clone(store), Arc::clone(&sent));
            let user = users[place % users.len()];
            tokio::spawn(async move {
                while sent.fetch_add(1, Ordering::Relaxed) < count {
                    let write = Write::MessageSend { room, body: BODY.into() };
                    let written = store.write(user, key(), now_ms(), write).await;
                    assert!(matches!(written, Ok(Written::Event { repeated: false, .. })));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no sender panics");
    }
}

/// Sends as `senders` users at once, each waiting for its answer, for a time; how many a second,
/// and the latencies.
async fn send(store: &Arc<Store>, room: RoomId, users: &[UserId], senders: usize) -> Measured {
    let until = Instant::now() + FOR;
    let tasks: Vec<_> = (0..senders)
        .map(|place| {
            let (store, user) = (Arc::clone(store), users[place % users.len()]);
            tokio::spawn(async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let started = Instant::now();
                    let write = Write::MessageSend { room, body: BODY.into() };
                    let written = store.write(user, key(), now_ms(), write).await;
                    assert!(matches!(written, Ok(Written::Event { repeated: false, .. })));
                    took.push(started.elapsed());
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.expect("no sender panics"));
    }
    Measured::of(took, FOR)
}

/// One insert and one commit a message, on a table like the store's, with nothing around it.
fn bare(folder: &Path, room: RoomId, user: UserId, head: u64) -> Measured {
    let connection = Connection::open(folder.join("chinwag.db")).expect("the file is there");
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")
        .expect("the settings are known");
    let sql =
        "INSERT INTO events (room_id, timeline, seq, n, kind, user_id, at_ms, key, body, checksum)
        VALUES (?1, 1, ?2, ?2, 1, ?3, ?4, ?5, ?6, 0)";
    let mut insert = connection.prepare(sql).expect("the statement is good");
    let head_set = "UPDATE rooms SET head_seq = ?2, last_seq = ?2, n = ?2 WHERE room_id = ?1";
    let mut head_set = connection.prepare(head_set).expect("the statement is good");
    let (mut took, mut seq, until) = (Vec::new(), head.cast_signed(), Instant::now() + FOR);
    while Instant::now() < until {
        let started = Instant::now();
        seq += 1;
        connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        let row = params![
            room.to_i64(),
            seq,
            user.to_i64(),
            now_ms().cast_signed(),
            key().to_bytes(),
            BODY
        ];
        insert.execute(row).expect("the row goes in");
        head_set.execute(params![room.to_i64(), seq]).expect("the room is there");
        connection.execute_batch("COMMIT").expect("it commits");
        took.push(started.elapsed());
    }
    Measured::of(took, FOR)
}

/// Pages of 50, at the end and all over the room, as the reader's own time.
async fn page(store: &Arc<Store>, room: RoomId, user: UserId, everywhere: bool) -> Measured {
    let done = AtomicUsize::new(0);
    let (mut took, until) = (Vec::new(), Instant::now() + FOR / 5);
    let started_all = Instant::now();
    while Instant::now() < until {
        let n = done.fetch_add(1, Ordering::Relaxed) as u64;
        let at = if everywhere {
            At::Before(Seq::new(n * 7_919 % PRELOADED as u64 + 1_000))
        } else {
            At::Newest
        };
        let elapsed = store
            .read(move |reader| {
                let (mut rows, mut bytes, started) = (0, 0, Instant::now());
                let page = reader.timeline_page(user, room, at, 50, &mut |row| {
                    rows += 1;
                    bytes += row.body.map_or(0, str::len);
                });
                assert!(page.is_ok() && rows == 50 && bytes == 50 * BODY.len());
                started.elapsed()
            })
            .await;
        took.push(elapsed.expect("the read succeeds"));
    }
    Measured::of(took, started_all.elapsed())
}

struct Measured {
    per_second: f64,
    median: Duration,
    p99: Duration,
}

impl Measured {
    fn of(mut took: Vec<Duration>, time: Duration) -> Self {
        took.sort_unstable();
        let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default();
        let per_second = took.len() as f64 / time.as_secs_f64();
        Self { per_second, median: at(50), p99: at(99) }
    }

    fn print(&self, what: &str) {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        println!(
            "{what:<52} {:>10.0}/s   p50 {:>8.1} µs   p99 {:>9.1} µs",
            self.per_second,
            us(self.median),
            us(self.p99)
        );
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let count = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(PRELOADED);
    let here = std::env::current_dir().expect("there is a folder");
    let folder = tempfile::tempdir_in(here).expect("a folder of its own");
    let path = folder.path();
    runtime.block_on(async {
        let store = open(path);
        let mut users = Vec::new();
        for number in 0..IN_FLIGHT {
            users.push(user(&store, number).await);
        }
        let room = room(&store, users[0], &users[1..]).await;
        let started = Instant::now();
        preload(&store, room, &users, count).await;
        println!("{count} messages preloaded in {:.1} s", started.elapsed().as_secs_f64());
        store.close();
        let started = Instant::now();
        let store = open(path);
        println!("opened in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);

        page(&store, room, users[0], false).await.print("page of 50, the newest");
        page(&store, room, users[0], true).await.print("page of 50, anywhere");
        send(&store, room, &users, IN_FLIGHT).await.print("group commit, 512 in flight");
        send(&store, room, &users, 64).await.print("group commit, 64 in flight");
        send(&store, room, &users, 1).await.print("one in flight, one commit a message");
        let statistics = store.statistics();
        println!(
            "mean batch {:.0}, checkpoints {} (failed {}), log {} MiB, database {} MiB",
            statistics.batch_size_sum as f64 / statistics.batches as f64,
            statistics.checkpoints,
            statistics.checkpoint_failures,
            statistics.wal_bytes >> 20,
            statistics.db_bytes >> 20
        );
        let head = store.read(move |reader| reader.heads(&[room])[0].1).await.expect("it is there");
        store.close();
        bare(path, room, users[0], head.get()).print("bare loop, one commit a message");
    });
}
