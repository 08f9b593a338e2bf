//! A copy is made beside the writer and put in the database's place; what was taken away meanwhile stays
//! away.

#[expect(dead_code, reason = "the contract's suite uses all of it")]
#[path = "contract/world.rs"]
mod world;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use chinwag_core::access::{Registration, Role};
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::text::DraftText;
use chinwag_store::backup::{BackupError, backup};
use chinwag_store::restore::{Carried, RestoreError, Restored, Restoring, restore};
use chinwag_store::verify::{self, Verified};
use chinwag_store::write::{Operation, PasswordHash, Write};
use chinwag_store::{Pace, Store, StoreError, installation_user};
use rusqlite::Connection;
use tempfile::TempDir;
use world::{START_MS, World, body, event, options, password, random};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder of its own")
}

fn open() -> World {
    World::in_folder(folder())
}

fn take(world: &World, file: &Path) -> Result<Verified, BackupError> {
    backup(world.folder(), file, false, &mut Pace::new(0))
}

fn back<'a>(folder: &'a Path, file: &'a Path) -> Restoring<'a> {
    Restoring { file, folder, replace: true, without_old: false, now_ms: START_MS + 1, random }
}

fn sound(folder: &Path) -> Verified {
    let verified = verify::folder(folder, &mut Pace::new(0)).expect("it can be read");
    assert_eq!(verified.findings, []);
    verified
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("it is there").map(|entry| {
        entry.expect("it is there").file_name().into_string().expect("our names are text")
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn draft(world: &World, user: UserId, room: RoomId, text: &str) {
    let body = format!(r#"{{"room":"{room}","text":"{text}"}}"#).into();
    let text = DraftText::new(text.to_owned()).expect("a good draft");
    event(&world.write(user, Write::DraftSet { room, text, body }));
}

#[test]
fn a_backup_is_one_file_that_only_its_owner_reads() {
    let (world, target) = (open(), folder());
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "hi");
    let file = target.path().join("b.db");
    let verified = take(&world, &file).expect("it is made");
    assert_eq!(names(target.path()), ["b.db"]);
    let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(verify::file(&file, &mut Pace::new(0)).expect("it can be read"), verified);
    assert_eq!(names(target.path()), ["b.db"], "to read it leaves nothing beside it");
    assert_eq!(sound(world.folder()).events, verified.events);
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    let (world, target) = (open(), folder());
    let file = target.path().join("b.db");
    std::fs::write(&file, "mine").expect("the folder is ours");
    assert!(matches!(take(&world, &file), Err(BackupError::Exists { .. })));
    assert_eq!(std::fs::read(&file).expect("it is there"), b"mine");
    backup(world.folder(), &file, true, &mut Pace::new(0)).expect("it is made");
    assert!(verify::file(&file, &mut Pace::new(0)).is_ok());
}

#[test]
fn what_cannot_be_copied_leaves_no_file() {
    let (world, target) = (open(), folder());
    let file = target.path().join("b.db");
    let nowhere = backup(target.path(), &file, false, &mut Pace::new(0));
    assert!(matches!(nowhere, Err(BackupError::NoDatabase { .. })));
    let missing = take(&world, &target.path().join("none/b.db"));
    assert!(matches!(missing, Err(BackupError::Io { .. })));
    assert!(matches!(take(&world, Path::new("/")), Err(BackupError::Exists { .. })));
    // A link in the place of the part would be followed to somebody's file.
    std::os::unix::fs::symlink(target.path().join("theirs"), target.path().join("b.db.part"))
        .expect("the folder is ours");
    assert!(matches!(take(&world, &file), Err(BackupError::Io { .. })));
    assert_eq!(names(target.path()), ["b.db.part"]);
}

#[test]
fn a_damaged_database_makes_no_backup() {
    let (mut world, target) = (open(), folder());
    let ann = world.user("ann");
    world.send(ann, RoomId::of_self(ann), "hi");
    world.store().close();
    let shell = Connection::open(world.folder().join("chinwag.db")).expect("it is there");
    let spoil = "UPDATE events SET body = '{}' WHERE n IS NOT NULL";
    assert_eq!(shell.execute(spoil, []), Ok(1));
    drop(shell);
    world.reopen();
    let made = take(&world, &target.path().join("b.db"));
    let Err(BackupError::Damaged { first, .. }) = made else { panic!("{made:?}") };
    assert!(first.contains("not as it was written"), "{first}");
    assert_eq!(names(target.path()), [""; 0]);
}

/// A backup is a moment: all that was answered before it, and of what follows nothing half.
#[test]
fn a_backup_beside_the_writer_is_one_moment() {
    let (world, target) = (open(), folder());
    let [ann, bob] = world.users(["ann", "bob"]);
    let rooms = [world.direct(ann, bob), world.group(ann, &[bob]), world.group(bob, &[ann])];
    let stop = AtomicBool::new(false);
    let store = world.store();
    std::thread::scope(|scope| {
        for (number, &room) in rooms.iter().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let runtime = runtime.expect("a runtime starts");
                let mut sent = 0_u128;
                while !stop.load(Ordering::Relaxed) {
                    sent += 1;
                    let key = chinwag_core::id::Key::new(START_MS, sent << 8 | number as u128);
                    let write = Write::MessageSend { room, body: body("on and on") };
                    let done = runtime.block_on(store.write(ann, key, START_MS, write));
                    done.expect("it is done");
                }
            });
        }
        let mut events = 0;
        for number in 0..5 {
            let before = rooms.map(|room| world.head(room));
            let file = target.path().join(format!("{number}.db"));
            let verified = take(&world, &file).expect("it is made");
            assert!(verified.events > events, "it goes on meanwhile");
            events = verified.events;
            let copy = Connection::open(&file).expect("it is there");
            for (room, before) in rooms.into_iter().zip(before) {
                let sql = "SELECT head_seq FROM rooms WHERE room_id = ?1";
                let head = copy.query_row(sql, [room.to_i64()], |row| row.get::<_, i64>(0));
                assert!(head.is_ok_and(|head| head >= before.to_i64()));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_backup_begins_an_installation_elsewhere() {
    let (world, target) = (open(), folder());
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    world.send(ann, room, "hi");
    draft(&world, bob, room, "begun");
    let log = world.log(ann, room);
    let (epoch, name) = (world.store().epoch(), world.store().installation().to_owned());
    let file = target.path().join("b.db");
    take(&world, &file).expect("it is made");
    let elsewhere = target.path().join("data");
    let restoring = Restoring { replace: false, ..back(&elsewhere, &file) };
    let Restored { carried, aside, verified } = restore(&restoring).expect("it is restored");
    assert_eq!((carried, aside), (None, None));
    assert_eq!(sound(&elsewhere), verified);
    let store = Store::open(options(&elsewhere), Box::new(|_| {})).expect("it opens");
    assert_eq!(store.installation(), name);
    assert_ne!(store.epoch(), epoch);
    let now = world.now_ms();
    let (sessions, row) = world
        .block_on(store.read(move |reader| {
            (reader.sessions(ann, now), reader.room_page_of(bob, room).rooms.pop())
        }))
        .expect("it reads");
    assert_eq!(sessions, [], "nothing told which of them were revoked");
    assert_eq!(row.and_then(|row| row.draft).as_deref(), Some("begun"));
    let revoked = world.block_on(store.read(|reader| reader.revoked_since(START_MS)));
    assert_eq!(revoked.map(|revoked| revoked.len()), Ok(2), "their access tokens are refused too");
    assert_eq!(log, world.log(ann, room));
    assert!(matches!(restore(&restoring), Err(RestoreError::Store(StoreError::InUse { .. }))));
    drop(store);
    assert!(matches!(restore(&restoring), Err(RestoreError::NotEmpty { .. })));
}

/// Every right that was withdrawn and every text that was taken back after the backup.
#[test]
fn what_was_taken_away_since_stays_away() {
    let (mut world, target) = (open(), folder());
    let users = world.users(["ann", "bob", "cleo", "dan", "eve"]);
    let [ann, bob, cleo, dan, eve] = users;
    let room = world.group(ann, &[bob, cleo, dan, eve]);
    let direct = world.direct(ann, bob);
    let own = world.group(cleo, &[bob]);
    let erased = world.send(bob, room, "regretted").seq;
    let kept = world.send(bob, room, "meant").seq;
    world.send(dan, room, "before I go");
    let already = world.send(ann, room, "gone before").seq;
    event(&world.write(ann, Write::MessageDelete { room, target: already }));
    world.put(ann, room, eve, Role::Admin).expect("an owner may");
    draft(&world, bob, room, "a thought");
    draft(&world, bob, direct, "the same now");
    draft(&world, dan, room, "nobody's");
    let file = target.path().join("b.db");
    take(&world, &file).expect("it is made");

    world.pass(1_000);
    let deletion = world.key();
    event(&world.write_keyed(bob, deletion, Write::MessageDelete { room, target: erased }));
    draft(&world, bob, room, "another thought");
    world.leave(cleo, room);
    world.write(cleo, Write::MemberRemove { room: own, user: bob }).expect("an owner may");
    world.put(ann, room, eve, Role::Reader).expect("an owner may");
    world.write(dan, Write::UserDelete { verified: password() }).expect("one may");
    let renewed = PasswordHash("$argon2id$second".to_owned());
    let (second, third) = (world.session(), world.session());
    for session in [second.clone(), third.clone()] {
        let verified = password();
        world.write(bob, Write::SessionCreate { verified, session }).expect("one may");
    }
    world.write(bob, Write::SessionRevoke { session: third.id }).expect("one may");
    let set =
        Write::PasswordSet { verified: password(), password: renewed.clone(), keep: second.id };
    world.write(bob, set).expect("one may");
    world.send(ann, room, "after the backup");
    world.store().close();

    let Restored { carried, aside, .. } =
        restore(&back(world.folder(), &file)).expect("it is restored");
    let again = Carried { messages: 1, drafts: 1, accounts: 1, memberships: 2, roles: 1 };
    assert_eq!(carried, Some(again));
    let aside = aside.expect("there was one");
    assert!(verify::file(&aside, &mut Pace::new(0)).is_ok_and(|it| it.findings.is_empty()));
    sound(world.folder());
    world.reopen();
    let log = world.log(ann, room).expect("ann is in it");
    let is_there = |seq| log.iter().any(|event| event.seq == seq && event.body.is_some());
    assert_eq!([erased, already, kept].map(is_there), [false, false, true]);
    assert!(log.iter().all(|event| event.body.as_deref() != Some(&*body("after the backup"))));
    assert_eq!(world.role(cleo, room), None);
    assert_eq!(world.role(bob, own), None);
    assert_eq!(world.role(eve, room), Some(Role::Reader));
    assert_eq!(world.role(dan, room), None);
    assert!(world.read(move |reader| reader.user(dan)).is_some_and(|dan| dan.handle.is_empty()));
    let drafts = [room, direct].map(|room| world.row(bob, room).and_then(|row| row.draft));
    assert_eq!(drafts, [None, Some("the same now".to_owned())]);
    assert_eq!(world.read(move |reader| reader.password(bob)), Some(renewed));
    let now = world.now_ms();
    let sessions = world.read(move |reader| reader.sessions(bob, now));
    let sessions: Vec<_> = sessions.iter().map(|session| session.id).collect();
    assert_eq!(sessions, [second.id], "who was signed in last still is, and nobody else");
    let again = world.write_keyed(bob, deletion, Write::MessageDelete { room, target: erased });
    assert_eq!(event(&again).key, Some(deletion), "a retry gets its answer");
    world.store().close();
    sound(world.folder());
}

/// A door that was closed stays closed, and the log of who did what loses no line and doubles none.
#[test]
fn the_audit_log_goes_on_and_registration_is_as_it_was_set_last() {
    let (mut world, target) = (open(), folder());
    let ann = world.user("ann");
    let set = |world: &World, to| {
        let set = Operation::RegistrationSet { registration: Some(to) };
        world.write(installation_user(), Write::Operate(set)).expect("the operator may");
    };
    set(&world, Registration::Invite);
    let file = target.path().join("b.db");
    take(&world, &file).expect("it is made");
    world.pass(1_000);
    set(&world, Registration::Open);
    set(&world, Registration::Closed);
    let lines = |world: &World| world.read(|reader| reader.audit(None, 10));
    let before = lines(&world);
    assert_eq!(before.len(), 3, "with what was done since");
    for now_ms in [START_MS + 1, START_MS + 2] {
        world.store().close();
        let restoring = Restoring { now_ms, ..back(world.folder(), &file) };
        restore(&restoring).expect("it is restored");
        sound(world.folder());
        world.reopen();
        assert_eq!(lines(&world), before);
        assert_eq!(world.store().registration(), Some(Registration::Closed));
    }
    world.send(ann, RoomId::of_self(ann), "on");
}

/// The database of before may itself have been restored: then it tells of another message under the
/// same number.
#[test]
fn a_deletion_of_another_history_erases_nobody_s_message() {
    let (mut world, target) = (open(), folder());
    let [ann, bob] = world.users(["ann", "bob"]);
    let room = world.direct(ann, bob);
    let (early, late) = (target.path().join("early.db"), target.path().join("late.db"));
    take(&world, &early).expect("it is made");
    let first = world.send(ann, room, "in the first history").seq;
    take(&world, &late).expect("it is made");
    world.store().close();
    restore(&back(world.folder(), &early)).expect("it is restored");
    world.reopen();
    world.pass(5_000);
    let second = world.send(bob, room, "in the second").seq;
    assert_eq!(first, second);
    event(&world.write(bob, Write::MessageDelete { room, target: second }));
    world.store().close();
    let restoring = Restoring { now_ms: START_MS + 2, ..back(world.folder(), &late) };
    let restored = restore(&restoring).expect("it is restored");
    assert_eq!(restored.carried, Some(Carried::default()));
    world.reopen();
    let log = world.log(ann, room).expect("ann is in it");
    assert_eq!(log.last().and_then(|event| event.body.clone()), Some(body("in the first history")));
}

#[test]
fn what_cannot_be_restored_leaves_the_database_alone() {
    let (mut world, other, target) = (open(), open(), folder());
    let ann = world.user("ann");
    let epoch = world.store().epoch();
    let (theirs, ours) = (target.path().join("theirs.db"), target.path().join("ours.db"));
    take(&other, &theirs).expect("it is made");
    take(&world, &ours).expect("it is made");
    let in_use = restore(&back(world.folder(), &ours));
    assert!(matches!(in_use, Err(RestoreError::Store(StoreError::InUse { .. }))));
    world.store().close();
    let before = names(world.folder());
    let missing = restore(&back(world.folder(), &target.path().join("none.db")));
    assert!(matches!(missing, Err(RestoreError::NoBackup { .. })));
    let kept = restore(&Restoring { replace: false, ..back(world.folder(), &ours) });
    assert!(matches!(kept, Err(RestoreError::NotEmpty { .. })));
    let foreign = restore(&back(world.folder(), &theirs));
    assert!(matches!(foreign, Err(RestoreError::OtherInstallation { .. })), "{foreign:?}");
    let garbage = target.path().join("garbage.db");
    std::fs::write(&garbage, vec![7; 100_000]).expect("the folder is ours");
    assert!(restore(&back(world.folder(), &garbage)).is_err());
    let shell = Connection::open(&ours).expect("it is there");
    assert_eq!(shell.execute("UPDATE rooms SET n = n + 1 WHERE kind = 'channel'", []), Ok(1));
    drop(shell);
    let damaged = restore(&back(world.folder(), &ours));
    assert!(
        matches!(&damaged, Err(RestoreError::Backup(BackupError::Damaged { .. }))),
        "{damaged:?}"
    );
    assert_eq!(names(world.folder()), before);
    world.reopen();
    assert_eq!(world.store().epoch(), epoch);
    assert!(world.read(move |reader| reader.user(ann)).is_some());
}

/// Its pages are gone, so it can tell nothing; it is kept all the same.
#[test]
fn a_database_that_cannot_be_read_is_put_aside_by_word_alone() {
    let (mut world, target) = (open(), folder());
    let ann = world.user("ann");
    let file = target.path().join("b.db");
    take(&world, &file).expect("it is made");
    world.store().close();
    let old = world.folder().join("chinwag.db");
    std::fs::write(&old, vec![7; 100_000]).expect("it is ours");
    std::fs::write(world.folder().join("chinwag.db-wal"), "a log of it").expect("it is ours");
    let unread = restore(&back(world.folder(), &file));
    assert!(matches!(unread, Err(RestoreError::OldUnread { .. })), "{unread:?}");
    assert_eq!(std::fs::metadata(&old).map(|old| old.len()).ok(), Some(100_000));
    std::fs::write(world.folder().join("chinwag.db-wal"), "a log of it").expect("it is ours");
    let restoring = Restoring { without_old: true, ..back(world.folder(), &file) };
    let restored = restore(&restoring).expect("it is restored");
    assert_eq!(restored.carried, None);
    let aside = restored.aside.expect("there was one");
    assert_eq!(std::fs::metadata(&aside).map(|old| old.len()).ok(), Some(100_000));
    let log = format!("{}-wal", aside.display());
    assert_eq!(std::fs::read(log).expect("it goes with its database"), b"a log of it");
    world.reopen();
    assert!(world.read(move |reader| reader.user(ann)).is_some());
}

/// What an earlier program left, as it is copied before its first start by this one.
#[test]
fn a_backup_of_an_earlier_form_is_restored_to_this_one() {
    let target = folder();
    let (old, data) = (target.path().join("old"), target.path().join("data"));
    std::fs::create_dir(&old).expect("the folder is ours");
    let then = Connection::open(old.join("chinwag.db")).expect("it is made");
    then.execute_batch(include_str!("../migrations/sqlite/0001_start.sql")).expect("it was so");
    then.execute_batch(
        "INSERT INTO rooms (room_id, kind, history, posting, created_at_ms, active_at_ms)
            VALUES (20, 'channel', 'all', 'members', 1, 1);
         INSERT INTO installation VALUES (1, 'then', '00000000000000000000000000000007', 20);
         INSERT INTO signing_keys VALUES ('k', zeroblob(32), 1);
         PRAGMA user_version = 1;",
    )
    .expect("rows of then");
    drop(then);
    let file = target.path().join("b.db");
    let verified = backup(&old, &file, false, &mut Pace::new(0)).expect("it is made");
    assert_eq!(verified.rooms, 1);
    let early = verify::file(&file, &mut Pace::new(0));
    assert!(matches!(early, Err(StoreError::Older { found: 1, .. })), "{early:?}");
    restore(&Restoring { replace: false, ..back(&data, &file) }).expect("it is restored");
    sound(&data);
}
