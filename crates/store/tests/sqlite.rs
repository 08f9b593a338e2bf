//! What only the store on SQLite can show: its files, a spoiled row, a statement that fails.

#[expect(dead_code, reason = "the contract's suite uses all of it")]
#[path = "contract/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use chinwag_core::access::Role;
use chinwag_core::id::RoomId;
use chinwag_core::limit::{CHANNEL_MEMBERS_MAX, ROOMS_PER_USER_MAX};
use chinwag_store::read::At;
use chinwag_store::write::{Refusal, Write};
use chinwag_store::{Store, StoreError, Whole};
use rusqlite::Connection;
use world::{World, body, event, options};

fn open() -> World {
    World::in_folder(tempfile::tempdir().expect("a folder of its own"))
}

/// Somebody's SQLite shell on the database.
fn shell(folder: &Path) -> Connection {
    Connection::open(folder.join("chinwag.db")).expect("the file is there")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn folder_and_files_are_the_owners_alone() {
    let outer = tempfile::tempdir().expect("a folder of its own");
    let folder = outer.path().join("deep").join("data");
    let store = Store::open(options(&folder), Box::new(|_| {})).expect("it opens");
    assert_eq!(mode(&folder), 0o700);
    for file in ["chinwag.db", "chinwag.db-wal", "chinwag.db-shm", "chinwag.lock"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    store.close();
    assert!(!folder.join("chinwag.db-wal").exists(), "the last one out brings the log over");
}

/// Closing any file of a database gives up every lock that the process has on it (POSIX). Without its lock
/// somebody's shell would take itself for the last one and remove the log.
#[test]
fn other_processes_see_that_it_is_open() {
    let world = open();
    let file = std::fs::metadata(world.folder().join("chinwag.db")).expect("it is there");
    let inode = std::os::unix::fs::MetadataExt::ino(&file);
    let locks = std::fs::read_to_string("/proc/locks").expect("the system tells");
    let (pid, inode) = (format!(" {} ", std::process::id()), format!(":{inode} "));
    let ours =
        |line: &&str| line.contains(" READ ") && line.contains(&pid) && line.contains(&inode);
    assert!(locks.lines().any(|line| ours(&line)), "{locks}");
}

#[test]
fn files_that_others_may_read_are_taken_from_them() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let open = || Store::open(options(folder.path()), Box::new(|_| {})).expect("it opens");
    open().close();
    for file in ["chinwag.db", "chinwag.db-wal"] {
        let path = folder.path().join(file);
        std::fs::OpenOptions::new().append(true).create(true).open(&path).expect("it opens");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))
            .expect("it is ours");
    }
    let _store = open();
    for file in ["chinwag.db", "chinwag.db-wal", "chinwag.db-shm"] {
        assert_eq!(mode(&folder.path().join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_spoiled_row_is_withheld_and_the_page_goes_on() {
    let mut world = open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let seqs: Vec<_> = (0..5).map(|n| world.send(ann, room, &n.to_string()).seq).collect();
    world.store().close();
    let spoil =
        "UPDATE events SET body = replace(body, '\"2\"', '\"3\"') WHERE room_id = ?1 AND seq = ?2";
    let spoiled = shell(world.folder())
        .execute(spoil, [room.to_i64(), seqs[2].to_i64()])
        .expect("the row is there");
    assert_eq!(spoiled, 1);
    world.reopen();
    let page = world.page(bob, room, At::Newest, 5).expect("bob is in it");
    let bodies: Vec<_> = page.iter().map(|event| event.body.as_deref()).collect();
    let text = |n| format!(r#"{{"text":"{n}"}}"#);
    let (zero, one, three, four) = (text(0), text(1), text(3), text(4));
    assert_eq!(bodies, [Some(&*zero), Some(&*one), None, Some(&*three), Some(&*four)]);
    assert_eq!(page.iter().map(|event| event.seq).collect::<Vec<_>>(), seqs);
    assert_eq!(world.store().statistics().rows_corrupt, 1);
    let log = world.log(bob, room).expect("bob is in it");
    assert_eq!(log.len(), 8, "the log is dense all the same");
    assert!(world.store().statistics().rows_corrupt > 1);
}

#[test]
fn a_look_sees_a_spoiled_row_and_changes_nothing() {
    let world = open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "the fox");
    let look =
        || chinwag_store::examine(world.folder(), Duration::from_secs(20)).expect("it reads");
    let running = look();
    assert_eq!((running.whole.clone(), running.rows_corrupt), (Whole::Yes, 0));
    assert_eq!(running.newest_at_ms, world.now_ms());
    world.store().close();
    let files = || {
        let files = std::fs::read_dir(world.folder()).expect("it is there");
        let name =
            |file: std::io::Result<std::fs::DirEntry>| file.expect("it is there").file_name();
        files.map(name).collect::<BTreeSet<_>>()
    };
    let before = files();
    assert_eq!((look().rows, look().whole), (running.rows, Whole::Yes));
    assert_eq!(files(), before);
    let spoil = "UPDATE events SET body = replace(body, 'fox', 'cat')";
    assert!(shell(world.folder()).execute(spoil, []).is_ok());
    assert_eq!(look().rows_corrupt, 1);
    shell(world.folder()).pragma_update(None, "user_version", 99).expect("it can be set");
    let later = look();
    assert_eq!((later.form, later.rows), (99, 0), "what it does not know it does not read");
}

/// What the writer knows of a room outlives its transaction, but not a change that it did not make.
#[test]
fn what_a_foreign_hand_changes_holds_for_the_next_message() {
    let world = open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "before");
    let gone = "UPDATE members SET left_seq = 1 WHERE room_id = ?1 AND user_id = ?2";
    let changed = shell(world.folder()).execute(gone, [room.to_i64(), ann.to_i64()]);
    assert_eq!(changed.expect("the row is there"), 1);
    let sent = world.write(ann, Write::MessageSend { room, body: body("after") });
    assert_eq!(sent.err(), Some(Refusal::NotFound));
}

#[test]
fn every_column_of_an_event_is_guarded() {
    let changes = [
        "user_id = user_id + 1",
        "at_ms = at_ms + 1",
        "n = n + 1",
        "key = zeroblob(16)",
        "key = zeroblob(3)",
        "rev = 1",
        "body = NULL",
        "body = CAST(x'ff' AS TEXT)",
        "checksum = checksum + 1",
    ];
    for change in changes {
        let mut world = open();
        let [ann, bob] = world.users(["ann", "bob"]);
        let room = world.direct(ann, bob);
        world.send(ann, room, "hi");
        world.store().close();
        let spoil = format!("UPDATE events SET {change} WHERE kind = 1");
        assert_eq!(shell(world.folder()).execute(&spoil, []), Ok(1));
        world.reopen();
        let page = world.page(bob, room, At::Newest, 1).expect("bob is in it");
        assert_eq!(page[0].body, None, "{change}");
        assert_eq!(world.store().statistics().rows_corrupt, 1, "{change}");
    }
}

#[test]
fn a_command_that_the_database_fails_takes_no_neighbour_with_it() {
    let world = open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    shell(world.folder())
        .execute_batch(
            "CREATE TRIGGER bad BEFORE INSERT ON events WHEN NEW.body LIKE '%bad%'
             BEGIN SELECT RAISE(ABORT, 'on purpose'); END",
        )
        .expect("the trigger is made");
    let send = |text| (ann, world.key(), Write::MessageSend { room, body: body(text) });
    let before = world.store().statistics();
    let outcomes = world.together(vec![send("1"), send("bad"), send("2")]);
    assert_eq!(outcomes[1], Err(Refusal::Unavailable));
    let seqs = [event(&outcomes[0]).seq.get(), event(&outcomes[2]).seq.get()];
    assert_eq!(seqs, [4, 5], "what failed left no hole");
    assert_eq!(world.seqs(bob, room), [1, 2, 3, 4, 5]);
    let after = world.store().statistics();
    assert_eq!(after.rollbacks - before.rollbacks, 2, "the batch, and the bad one alone");
    assert!(!after.failed);
    let told: Vec<_> = world.told_events().iter().map(|event| event.seq.get()).collect();
    assert_eq!(told[told.len() - 2..], [4, 5], "nothing is told that was rolled back");
}

#[test]
fn a_full_disk_refuses_and_then_goes_on() {
    let world = open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let shell = shell(world.folder());
    let full = "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'full'); END";
    shell.execute_batch(full).expect("the trigger is made");
    let send = || world.write(ann, Write::MessageSend { room, body: body("x") });
    assert_eq!(send(), Err(Refusal::Unavailable));
    shell.execute_batch("DROP TRIGGER full").expect("the trigger is there");
    assert!(send().is_ok());
    assert!(!world.store().statistics().failed);
}

#[test]
fn a_channel_and_a_user_have_their_limits() {
    let mut world = open();
    let [ann, bob, cleo] = world.users(["ann", "bob", "cleo"]);
    let (full, other) = (world.channel(ann, &[]), world.channel(ann, &[]));
    world.store().close();
    let shell = shell(world.folder());
    let set = "UPDATE rooms SET members = ?2 WHERE room_id = ?1";
    assert_eq!(shell.execute(set, (full.to_i64(), CHANNEL_MEMBERS_MAX as i64)), Ok(1));
    let rooms = "WITH RECURSIVE r (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE id < ?2)
        INSERT INTO members (room_id, user_id, role, first_seq, join_seq, joined_at_ms, read_seq, read_n)
        SELECT id, ?1, 'member', 1, 1, 1, 0, 0 FROM r";
    let missing = ROOMS_PER_USER_MAX as i64 - 2;
    assert_eq!(shell.execute(rooms, (bob.to_i64(), missing)), Ok(missing as usize));
    drop(shell);
    world.reopen();
    let join = |user, room| world.write(user, Write::RoomJoin { room });
    assert!(matches!(join(cleo, full), Err(Refusal::Forbidden(_))));
    assert!(matches!(join(bob, other), Err(Refusal::Forbidden(_))));
    let own = world.create(chinwag_core::access::RoomKind::Group, &[]);
    assert!(matches!(world.write(bob, own), Err(Refusal::Forbidden(_))));
    let put = world.put(ann, other, bob, Role::Member);
    assert!(matches!(put, Err(Refusal::Invalid { field: "user", .. })));
    let with = world.create(chinwag_core::access::RoomKind::Group, &[bob]);
    assert!(matches!(world.write(ann, with), Err(Refusal::Invalid { field: "members", .. })));
    assert!(join(cleo, other).is_ok());
    world.leave(bob, world.store().general());
    assert!(join(bob, other).is_ok(), "one out, one in");
}

#[test]
fn a_database_of_a_later_program_is_left_alone() {
    let world = open();
    world.store().close();
    shell(world.folder()).pragma_update(None, "user_version", 99).expect("it can be set");
    let Err(StoreError::Newer { found: 99, known }) =
        Store::open(options(world.folder()), Box::new(|_| {}))
    else {
        panic!("it opened")
    };
    assert_eq!(
        known,
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite"))
            .expect("the folder is there")
            .count()
    );
}

/// What an earlier program left: founders whose view began at their own joining, no drafts, no colours.
#[test]
fn a_database_of_the_first_form_is_brought_to_this_one() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let old = shell(folder.path());
    old.execute_batch(include_str!("../migrations/sqlite/0001_start.sql")).expect("it was so");
    old.execute_batch(
        "INSERT INTO users VALUES (5, 'ann', 'Ann', 'owner', 'x', 1, NULL);
         INSERT INTO events VALUES (20, 1, 1, NULL, 3, NULL, 5, 1, NULL, NULL, '{}', 0),
             (21, 1, 1, NULL, 3, NULL, 0, 1, NULL, NULL, '{}', 0);
         INSERT INTO members VALUES (20, 5, 'owner', 2, 2, 1, 0, 2, 0, NULL),
             (20, 6, 'member', 3, 3, 1, 0, 3, 0, NULL), (21, 5, 'owner', 2, 2, 1, 0, 2, 0, NULL);
         PRAGMA user_version = 1;",
    )
    .expect("rows of then");
    drop(old);
    let store = Store::open(options(folder.path()), Box::new(|_| {})).expect("it opens");
    store.close();
    let new = shell(folder.path());
    let sql = "SELECT join_seq FROM members WHERE draft IS NULL AND draft_seq IS NULL ORDER BY 1";
    let mut joins = new.prepare(sql).expect("the columns are there");
    let joins = joins.query_map([], |row| row.get::<_, i64>(0)).expect("it reads");
    let joins: Vec<i64> = joins.collect::<Result<_, _>>().expect("it reads");
    assert_eq!(joins, [1, 2, 3], "a founder sees the founding; nobody else sees more than before");
    let hue = new.query_row("SELECT hue FROM users", [], |row| row.get::<_, Option<i64>>(0));
    assert_eq!(hue, Ok(None));
    assert!(new.execute("UPDATE users SET hue = 360", []).is_err());
}

#[test]
fn the_log_is_brought_over_while_the_writer_works() {
    let world = open();
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let text = "x".repeat(16_000);
    let mut wal_bytes_max = 0;
    for _ in 0..12 {
        let send = |_| (ann, world.key(), Write::MessageSend { room, body: body(&text) });
        let outcomes = world.together((0..512).map(send).collect());
        assert!(outcomes.iter().all(Result::is_ok));
        wal_bytes_max = wal_bytes_max.max(world.store().statistics().wal_bytes);
    }
    let statistics = world.store().statistics();
    assert!(statistics.checkpoints > 0, "{statistics:?}");
    assert!(wal_bytes_max < 96 * 1024 * 1024, "bounded: {wal_bytes_max}");
    assert!(statistics.db_bytes > 8 * 1024 * 1024);
    world.store().close();
    let statistics = world.store().statistics();
    assert_eq!(statistics.wal_bytes, 0);
    assert!(statistics.db_bytes > 12 * 512 * 16_000);
}

#[test]
fn a_self_room_has_its_users_number() {
    let world = open();
    let ann = world.user("ann");
    let found: i64 = shell(world.folder())
        .query_row("SELECT room_id FROM rooms WHERE kind = 'self'", [], |row| row.get(0))
        .expect("there is one");
    assert_eq!(RoomId::from_i64(found), RoomId::of_self(ann));
}
