//! A database is verified: nothing is found in a good one, and each kind of damage in a spoiled one.

#[expect(dead_code, reason = "the contract's suite uses all of it")]
#[path = "contract/world.rs"]
mod world;

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use chinwag_core::access::Role;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::text::DraftText;
use chinwag_store::verify::{Finding, Verified, What, folder};
use chinwag_store::write::Write;
use chinwag_store::{Pace, StoreError};
use rusqlite::{Connection, params};
use world::{World, event, password};

/// A group in which much has happened, and the closed database around it.
struct Scene {
    world: World,
    room: RoomId,
    users: [UserId; 4],
    /// A message that is there, and one that was erased.
    message: Seq,
    erased: Seq,
    /// The erased one's columns of before: body and checksum.
    before: (String, i64),
}

fn verify(folder_of: &Path) -> Result<Verified, StoreError> {
    folder(folder_of, &mut Pace::new(0))
}

fn shell(folder: &Path) -> Connection {
    let shell = Connection::open(folder.join("chinwag.db")).expect("the file is there");
    shell.execute_batch("PRAGMA foreign_keys = OFF").expect("one may");
    shell
}

fn draft(world: &World, user: UserId, room: RoomId, text: &str) {
    let body = format!(r#"{{"room":"{room}","text":"{text}"}}"#).into();
    let text = DraftText::new(text.to_owned()).expect("a good draft");
    event(&world.write(user, Write::DraftSet { room, text, body }));
}

/// Everything that leaves something beside the log.
fn scene() -> Scene {
    let world = World::in_folder(tempfile::tempdir().expect("a folder of its own"));
    let users = world.users(["ann", "bob", "cleo", "dan"]);
    let [ann, bob, cleo, dan] = users;
    let (direct, room) = (world.direct(ann, bob), world.group(ann, &[bob, cleo, dan]));
    world.send(bob, direct, "hi");
    let message = world.send(bob, room, "one").seq;
    let erased = world.send(ann, room, "two").seq;
    let read = |user, read| {
        let write = Write::ReceiptSet { room, read: Some(read), delivered: None };
        world.write(user, write).expect("one may")
    };
    read(cleo, erased);
    let sql = "SELECT body, checksum FROM events WHERE room_id = ?1 AND seq = ?2";
    let at = [room.to_i64(), erased.to_i64()];
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let before = shell(world.folder()).query_row(sql, at, columns).expect("it is there");
    event(&world.write(ann, Write::MessageDelete { room, target: erased }));
    world.put(ann, room, bob, Role::Admin).expect("an owner may");
    world.leave(cleo, room);
    world.put(ann, room, cleo, Role::Reader).expect("an owner may");
    draft(&world, bob, room, "beg");
    draft(&world, bob, room, "begun");
    draft(&world, bob, direct, "x");
    draft(&world, bob, direct, "");
    draft(&world, dan, room, "gone with me");
    world.send(dan, room, "bye");
    world.write(dan, Write::UserDelete { verified: password() }).expect("one may");
    world.send(bob, room, "on");
    world.store().close();
    Scene { world, room, users, message, erased, before }
}

#[test]
fn nothing_is_wrong_with_a_good_one_open_or_closed() {
    let mut scene = scene();
    let closed = verify(scene.world.folder()).expect("it can be read");
    assert_eq!(closed.findings, []);
    assert_eq!((closed.users, closed.rooms), (4, 7), "general, four of their own, two");
    let rows = "SELECT count(*) FROM events";
    let rows = shell(scene.world.folder()).query_row(rows, [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.map(i64::cast_unsigned), Ok(closed.events));
    scene.world.reopen();
    scene.world.send(scene.users[0], scene.room, "while it is open");
    let open = verify(scene.world.folder()).expect("it can be read");
    assert_eq!((open.findings.len(), open.events), (0, closed.events + 1));
    assert_eq!(open.epoch, scene.world.store().epoch());
}

/// A damage by SQL, where ?1 is the room, ?2 a message in it and ?3 its first user; what must be said of
/// it, and whether with its place.
const DAMAGES: &[(&str, What, bool)] = &[
    ("UPDATE events SET body = replace(body, 'one', 'two') WHERE room_id = ?1 AND seq = ?2", What::Checksum, true),
    ("UPDATE events SET kind = 99 WHERE room_id = ?1 AND seq = ?2", What::Checksum, true),
    ("UPDATE events SET user_id = 77 WHERE room_id = ?1 AND seq = ?2", What::Reference, true),
    ("UPDATE events SET timeline = 0 WHERE room_id = ?1 AND seq = ?2", What::Checksum, true),
    ("UPDATE events SET n = 7 WHERE room_id = ?1 AND seq = ?2", What::Ordinal, true),
    ("UPDATE events SET at_ms = 1 WHERE room_id = ?1 AND seq = ?2", What::Time, true),
    ("UPDATE events SET seq = 1000 WHERE room_id = ?1 AND seq = ?2", What::Gap, false),
    ("DELETE FROM events WHERE room_id = ?1 AND seq = ?2", What::Gap, false),
    ("DELETE FROM events WHERE room_id = ?1 AND seq = (SELECT head_seq FROM rooms WHERE room_id = ?1)", What::Head, false),
    ("UPDATE rooms SET head_seq = head_seq + 1 WHERE room_id = ?1", What::Head, false),
    ("UPDATE rooms SET head_at_ms = 5 WHERE room_id = ?1", What::Head, false),
    ("UPDATE rooms SET n = n - 1 WHERE room_id = ?1", What::Head, false),
    ("UPDATE rooms SET last_seq = 1 WHERE room_id = ?1", What::Head, false),
    ("UPDATE rooms SET active_at_ms = 1 WHERE room_id = ?1", What::Head, false),
    ("UPDATE rooms SET members = members + 1 WHERE room_id = ?1", What::Head, false),
    ("UPDATE members SET role = 'reader' WHERE room_id = ?1 AND user_id = ?3", What::Member, false),
    ("UPDATE members SET join_seq = 3 WHERE room_id = ?1 AND user_id = ?3", What::Member, false),
    ("UPDATE members SET left_seq = 3 WHERE room_id = ?1 AND user_id = ?3", What::Member, false),
    ("DELETE FROM members WHERE room_id = ?1 AND user_id = ?3", What::Member, false),
    ("INSERT INTO members (room_id, user_id, role, first_seq, join_seq, joined_at_ms, read_seq, read_n)
        SELECT room_id, ?3, 'member', 1, 1, 1, 1, 0 FROM rooms WHERE kind = 'self' AND room_id <> ?3 LIMIT 1", What::Member, false),
    ("UPDATE members SET read_seq = read_seq - 1 WHERE room_id = ?1 AND user_id = ?3", What::ReadMark, false),
    ("UPDATE members SET read_seq = 1000 WHERE room_id = ?1 AND user_id = ?3", What::ReadMark, false),
    ("UPDATE members SET read_n = read_n + 1 WHERE room_id = ?1 AND user_id = ?3", What::ReadMark, false),
    ("UPDATE members SET delivered_seq = read_seq - 1 WHERE room_id = ?1 AND user_id = ?3", What::DeliveryMark, false),
    ("UPDATE members SET delivered_seq = 1000 WHERE room_id = ?1 AND user_id = ?3", What::DeliveryMark, false),
    ("UPDATE members SET draft_seq = NULL WHERE room_id = ?1", What::Draft, false),
    ("UPDATE members SET draft = 'x', draft_seq = NULL WHERE room_id = ?1 AND user_id = ?3", What::Draft, false),
    ("DROP INDEX events_key", What::Schema, false),
    ("CREATE TABLE strange (x)", What::Schema, false),
    ("DELETE FROM rooms WHERE room_id = ?1", What::Reference, false),
    ("DELETE FROM users WHERE user_id = ?3", What::Reference, false),
    ("DELETE FROM directs", What::Reference, false),
    ("DELETE FROM rooms WHERE kind = 'self'", What::Reference, false),
    ("DELETE FROM signing_keys", What::Reference, false),
    ("UPDATE installation SET general_room = 5", What::Reference, false),
];

#[test]
fn each_kind_of_damage_is_found() {
    for &(sql, what, placed) in DAMAGES {
        let scene = scene();
        let shell = shell(scene.world.folder());
        let (room, seq, user) =
            (scene.room.to_i64(), scene.message.to_i64(), scene.users[0].to_i64());
        let mut statement = shell.prepare(sql).expect("it is SQL");
        let given = [room, seq, user];
        let given = &given[..statement.parameter_count()];
        let taken: Vec<i64> = given.to_vec();
        statement.execute(rusqlite::params_from_iter(taken)).expect("it can be done");
        drop(statement);
        drop(shell);
        let findings = verify(scene.world.folder()).expect("it can be read").findings;
        let said = |finding: &&Finding| finding.what == what;
        let said: Vec<_> = findings.iter().filter(said).collect();
        assert!(!said.is_empty(), "{sql}: {findings:?}");
        let place = (Some(scene.room), Some(scene.message));
        let is_placed = said.iter().any(|finding| (finding.room, finding.seq) == place);
        assert!(is_placed || !placed, "{sql}: {said:?}");
    }
}

#[test]
fn what_was_erased_and_is_back_is_found() {
    let scene = scene();
    let back =
        "UPDATE events SET rev = NULL, body = ?3, checksum = ?4 WHERE room_id = ?1 AND seq = ?2";
    let (text, checksum) = &scene.before;
    let params = params![scene.room.to_i64(), scene.erased.to_i64(), text, checksum];
    assert_eq!(shell(scene.world.folder()).execute(back, params), Ok(1));
    let findings = verify(scene.world.folder()).expect("it can be read").findings;
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.what, finding.seq), (What::Erased, Some(scene.erased)));
}

#[test]
fn the_log_of_a_deleted_account_that_is_back_is_found() {
    let scene = scene();
    let back = "INSERT INTO events SELECT ?1, timeline, seq, n, kind, subject, user_id, at_ms, NULL, rev, body, checksum
        FROM events WHERE room_id = ?2 AND seq = 1";
    let (deleted, room) = (scene.users[3].to_i64(), scene.room.to_i64());
    assert_eq!(shell(scene.world.folder()).execute(back, [deleted, room]), Ok(1));
    let findings = verify(scene.world.folder()).expect("it can be read").findings;
    let own = RoomId::of_self(scene.users[3]);
    assert!(
        findings.iter().any(|it| (it.what, it.room) == (What::Erased, Some(own))),
        "{findings:?}"
    );
}

#[test]
fn a_key_that_made_two_events_is_found() {
    let scene = scene();
    let shell = shell(scene.world.folder());
    shell.execute_batch("DROP INDEX events_key").expect("it is there");
    let twice = "UPDATE events SET key = (SELECT key FROM events WHERE room_id = ?1 AND seq = ?2)
        WHERE room_id = ?1 AND user_id = ?3 AND n IS NOT NULL";
    let (room, bob) = (scene.room.to_i64(), scene.users[1].to_i64());
    assert_eq!(shell.execute(twice, [room, scene.message.to_i64(), bob]), Ok(2));
    let plain = "CREATE INDEX events_key ON events (key, room_id, user_id) WHERE key IS NOT NULL";
    shell.execute_batch(plain).expect("it can be made");
    drop(shell);
    let findings = verify(scene.world.folder()).expect("it can be read").findings;
    for what in [What::Key, What::Schema] {
        assert!(findings.iter().any(|finding| finding.what == what), "{what:?}: {findings:?}");
    }
}

/// Whichever page of the file the disk spoils.
#[test]
fn a_spoiled_page_is_found_whichever_it_is() {
    let scene = scene();
    let shell = shell(scene.world.folder());
    // Pages that nothing is on may hold anything.
    shell.execute_batch("VACUUM; PRAGMA journal_mode = DELETE").expect("it is closed");
    drop(shell);
    let path = scene.world.folder().join("chinwag.db");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&path);
    let file = file.expect("it is ours");
    let pages = file.metadata().expect("it is there").len() / 4096;
    assert!(pages > 20, "{pages}");
    for page in 0..pages {
        let mut kept = [0; 4096];
        file.read_exact_at(&mut kept, page * 4096).expect("it is a whole page");
        file.write_all_at(&[0xa5; 4096], page * 4096).expect("it is ours");
        let verified = verify(scene.world.folder());
        let found = verified.as_ref().map_or(1, |verified| verified.findings.len());
        assert!(found > 0, "page {page}: {verified:?}");
        file.write_all_at(&kept, page * 4096).expect("it is ours");
    }
    assert_eq!(verify(scene.world.folder()).expect("it is whole again").findings, []);
}

#[test]
fn findings_have_an_end() {
    let scene = scene();
    let many =
        "WITH RECURSIVE c (id) AS (SELECT 1000 UNION ALL SELECT id + 1 FROM c WHERE id < 3999)
        INSERT INTO rooms (room_id, kind, history, posting, created_at_ms, active_at_ms, members)
        SELECT id, 'group', 'all', 'members', 1, 1, 5 FROM c";
    assert_eq!(shell(scene.world.folder()).execute(many, []), Ok(3_000));
    let verified = verify(scene.world.folder()).expect("it can be read");
    assert_eq!((verified.findings.len(), verified.more), (1_000, 2_000));
}
