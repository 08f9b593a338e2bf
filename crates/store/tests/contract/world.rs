//! A store with a clock that the test moves, users and rooms with one line each, and a hand on the
//! writer so that commands share a transaction when the test wants it.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use chinwag_core::access::{Role, RoomKind};
use chinwag_core::event::{ConnId, Event, Origin};
use chinwag_core::id::{Key, RoomId, Seq, SessionId, UserId};
use chinwag_core::text::{Handle, Name};
use chinwag_store::committed::Told;
use chinwag_store::read::{At, Reader, RoomRow};
use chinwag_store::trace::Trace;
use chinwag_store::write::{
    Admission, Answer, NewSession, PasswordHash, Refusal, Submission, TokenHash, Write, Written,
};
use chinwag_store::{Options, Store};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) type Outcome = Result<Written, Refusal>;

/// When the tests begin.
pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// What was told, and a gate in which the writer can be held.
#[derive(Default)]
struct Ear {
    state: Mutex<EarState>,
    changed: Condvar,
}

#[derive(Default)]
struct EarState {
    told: Vec<Told>,
    batches: Vec<usize>,
    hold: bool,
    held: bool,
}

impl Ear {
    fn hear(&self, batch: &[Told]) {
        let mut state = self.state.lock().expect("no test panics in here");
        state.told.extend_from_slice(batch);
        state.batches.push(batch.len());
        state.held = true;
        self.changed.notify_all();
        while state.hold {
            state = self.changed.wait(state).expect("no test panics in here");
        }
        state.held = false;
    }

    fn set(&self, hold: bool) {
        self.state.lock().expect("no test panics in here").hold = hold;
        self.changed.notify_all();
    }

    fn wait_until_held(&self) {
        let mut state = self.state.lock().expect("no test panics in here");
        while !state.held {
            state = self.changed.wait(state).expect("no test panics in here");
        }
    }
}

pub(crate) struct World {
    store: Option<Store>,
    folder: TempDir,
    ear: Arc<Ear>,
    runtime: tokio::runtime::Runtime,
    now_ms: Cell<u64>,
    count: Cell<u64>,
}

impl Drop for World {
    /// A failed test must not leave the writer held: closing the store would wait for it.
    fn drop(&mut self) {
        self.ear.set(false);
    }
}

pub(crate) fn random(bytes: &mut [u8]) {
    use std::hash::{BuildHasher, RandomState};
    for (place, chunk) in bytes.chunks_mut(8).enumerate() {
        let drawn = RandomState::new().hash_one(place).to_le_bytes();
        chunk.copy_from_slice(&drawn[..chunk.len()]);
    }
}

pub(crate) fn options(folder: &Path) -> Options {
    Options { folder: folder.to_owned(), readers: 2, now_ms: || START_MS, random }
}

pub(crate) fn password() -> PasswordHash {
    PasswordHash("$argon2id$first".to_owned())
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a good name")
}

pub(crate) fn token(number: u64) -> TokenHash {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&number.to_le_bytes());
    TokenHash(hash)
}

/// The origin of a socket's command, told apart by its number.
pub(crate) fn origin(reference: u64) -> Origin {
    Origin { shard: 0, conn: ConnId { slot: 1, generation: 1 }, reference }
}

pub(crate) fn body(text: &str) -> Arc<str> {
    format!(r#"{{"text":"{text}"}}"#).into()
}

/// The event that a write came to.
pub(crate) fn event(outcome: &Outcome) -> Arc<Event> {
    match outcome {
        Ok(Written::Event { event, .. }) => Arc::clone(event),
        other => panic!("no event: {other:?}"),
    }
}

impl World {
    pub(crate) fn in_folder(folder: TempDir) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let ear = Arc::new(Ear::default());
        let (now_ms, count) = (Cell::new(START_MS), Cell::new(1));
        let mut world = Self { store: None, folder, ear, runtime, now_ms, count };
        world.start();
        world
    }

    fn start(&mut self) {
        let ear = Arc::clone(&self.ear);
        let publish = Box::new(move |batch: &Arc<[Told]>| ear.hear(batch));
        let store = Store::open(options(self.folder.path()), publish);
        self.store = Some(store.expect("the store opens"));
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.store().close();
        self.store = None;
        self.start();
    }

    /// What a machine that stopped at this moment would find on its disk, opened.
    pub(crate) fn after_crash(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder is there") {
            let entry = entry.expect("the folder is there");
            let name = entry.file_name();
            // Shared memory does not outlive the machine, and the lock is another's.
            if !name.to_string_lossy().ends_with("-shm") && name != "chinwag.lock" {
                std::fs::copy(entry.path(), folder.path().join(name)).expect("the copy is made");
            }
        }
        let world = Self::in_folder(folder);
        world.now_ms.set(self.now_ms.get());
        world.count.set(self.count.get() + 1_000_000);
        world
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the store is open")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }

    pub(crate) fn number(&self) -> u64 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(self.now_ms(), u128::from(self.number()))
    }

    pub(crate) fn room_id(&self) -> RoomId {
        RoomId::new(self.now_ms(), self.number() as u32)
    }

    pub(crate) fn session(&self) -> NewSession {
        let number = self.number();
        let id = SessionId::new(self.now_ms(), number as u32);
        NewSession { id, refresh: token(number), label: "a browser".to_owned() }
    }

    /// A write with a key of its own.
    pub(crate) fn write(&self, actor: UserId, write: Write) -> Outcome {
        self.write_keyed(actor, self.key(), write)
    }

    pub(crate) fn write_keyed(&self, actor: UserId, key: Key, write: Write) -> Outcome {
        self.runtime.block_on(self.store().write(actor, key, self.now_ms(), write))
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> T + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.store().read(read)).expect("the read succeeds")
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Holds the writer between two batches, does `work`, and lets it go on: what `work` submits is
    /// one batch.
    pub(crate) fn held<T>(&self, work: impl FnOnce() -> T) -> T {
        self.ear.set(true);
        let write = Write::RoomJoin { room: RoomId::from_i64(1) };
        self.submit(UserId::from_i64(1), self.key(), write, Answer::Socket(origin(0)))
            .expect("the queue has room");
        self.ear.wait_until_held();
        let result = work();
        self.ear.set(false);
        result
    }

    #[expect(clippy::result_large_err, reason = "as the store gives it")]
    pub(crate) fn submit(
        &self,
        actor: UserId,
        key: Key,
        write: Write,
        answer: Answer,
    ) -> Result<(), Submission> {
        let (at_ms, trace) = (self.now_ms(), Trace::default());
        self.store().submit(Submission { actor, key, at_ms, write, answer, trace })?;
        self.store().wake();
        Ok(())
    }

    /// Does these in one transaction.
    pub(crate) fn together(&self, writes: Vec<(UserId, Key, Write)>) -> Vec<Outcome> {
        let receivers: Vec<_> = self.held(|| {
            let submit = |(actor, key, write)| {
                let (sender, receiver) = oneshot::channel();
                self.submit(actor, key, write, Answer::Caller(sender)).expect("there is room");
                receiver
            };
            writes.into_iter().map(submit).collect()
        });
        let answers = receivers.into_iter().map(|receiver| self.runtime.block_on(receiver));
        answers.map(|answer| answer.expect("an answer comes")).collect()
    }

    /// What was told since the last call, without the probes of [`World::held`].
    pub(crate) fn told(&self) -> Vec<Told> {
        let mut state = self.ear.state.lock().expect("no test panics in here");
        let told = std::mem::take(&mut state.told);
        let probe =
            |told: &Told| matches!(told, Told::Refused { origin, .. } if origin.reference == 0);
        told.into_iter().filter(|told| !probe(told)).collect()
    }

    /// The events among what was told since the last call.
    pub(crate) fn told_events(&self) -> Vec<Arc<Event>> {
        let event = |told: Told| match told {
            Told::Committed(committed) => Some(Arc::clone(committed.event())),
            _ => None,
        };
        self.told().into_iter().filter_map(event).collect()
    }

    pub(crate) fn user_create(&self, handle: &str, admission: Admission) -> (UserId, Outcome) {
        let user = UserId::new(self.now_ms(), self.number() as u32);
        let write = Write::UserCreate {
            handle: Handle::new(handle).expect("a good handle"),
            display_name: name(handle),
            password: password(),
            admission,
            session: self.session(),
        };
        (user, self.write(user, write))
    }

    /// A new account.
    pub(crate) fn user(&self, handle: &str) -> UserId {
        let (user, outcome) = self.user_create(handle, Admission::Open);
        outcome.expect("the account is made");
        user
    }

    pub(crate) fn users<const N: usize>(&self, handles: [&str; N]) -> [UserId; N] {
        handles.map(|handle| self.user(handle))
    }

    /// Many accounts, made together.
    pub(crate) fn crowd(&self, count: usize) -> Vec<UserId> {
        let create = |place: usize| {
            let user = UserId::new(self.now_ms(), self.number() as u32);
            let write = Write::UserCreate {
                handle: Handle::new(&format!("crowd{place}")).expect("a good handle"),
                display_name: name("one of many"),
                password: password(),
                admission: Admission::Open,
                session: self.session(),
            };
            (user, self.key(), write)
        };
        let writes: Vec<_> = (0..count).map(create).collect();
        let users = writes.iter().map(|(user, ..)| *user).collect();
        assert!(self.together(writes).iter().all(Result::is_ok));
        users
    }

    pub(crate) fn create(&self, kind: RoomKind, members: &[UserId]) -> Write {
        Write::RoomCreate {
            room: self.room_id(),
            kind,
            name: (kind != RoomKind::Direct).then(|| name("a room")),
            members: members.to_vec(),
            body: format!(r#"{{"kind":"{}"}}"#, kind.name()).into(),
        }
    }

    pub(crate) fn room(&self, kind: RoomKind, owner: UserId, members: &[UserId]) -> RoomId {
        match self.write(owner, self.create(kind, members)) {
            Ok(Written::Room { room, .. }) => room,
            other => panic!("no room: {other:?}"),
        }
    }

    pub(crate) fn group(&self, owner: UserId, members: &[UserId]) -> RoomId {
        self.room(RoomKind::Group, owner, members)
    }

    pub(crate) fn channel(&self, owner: UserId, members: &[UserId]) -> RoomId {
        self.room(RoomKind::Channel, owner, members)
    }

    pub(crate) fn direct(&self, one: UserId, other: UserId) -> RoomId {
        self.room(RoomKind::Direct, one, &[other])
    }

    pub(crate) fn send(&self, actor: UserId, room: RoomId, text: &str) -> Arc<Event> {
        event(&self.write(actor, Write::MessageSend { room, body: body(text) }))
    }

    pub(crate) fn join(&self, user: UserId, room: RoomId) -> Arc<Event> {
        event(&self.write(user, Write::RoomJoin { room }))
    }

    pub(crate) fn leave(&self, user: UserId, room: RoomId) -> Arc<Event> {
        event(&self.write(user, Write::RoomLeave { room }))
    }

    pub(crate) fn put(&self, actor: UserId, room: RoomId, user: UserId, role: Role) -> Outcome {
        self.write(actor, Write::MemberPut { room, user, role })
    }

    /// The whole log that `user` may see, page by page, or why not.
    pub(crate) fn log(&self, user: UserId, room: RoomId) -> Result<Vec<Event>, Refusal> {
        self.read(move |reader| {
            let (mut log, mut after) = (Vec::new(), Seq::ZERO);
            loop {
                let before = log.len();
                let head =
                    reader.log_page(user, room, after, 3, &mut |row| log.push(row.to_event()))?;
                match log.last() {
                    Some(last) if log.len() > before => after = last.seq,
                    last => {
                        assert!(last.is_none_or(|last| last.seq == head));
                        return Ok(log);
                    }
                }
            }
        })
    }

    /// The log's numbers that `user` may see.
    pub(crate) fn seqs(&self, user: UserId, room: RoomId) -> Vec<u64> {
        let log = self.log(user, room).expect("the room is there");
        log.iter().map(|event| event.seq.get()).collect()
    }

    pub(crate) fn page(
        &self,
        user: UserId,
        room: RoomId,
        at: At,
        limit: usize,
    ) -> Result<Vec<Event>, Refusal> {
        self.read(move |reader| {
            let mut page = Vec::new();
            reader.timeline_page(user, room, at, limit, &mut |row| page.push(row.to_event()))?;
            Ok(page)
        })
    }

    /// The room as `user` sees it in the list, if at all.
    pub(crate) fn row(&self, user: UserId, room: RoomId) -> Option<RoomRow> {
        self.read(move |reader| reader.room_page_of(user, room).rooms.pop())
    }

    pub(crate) fn unread(&self, user: UserId, room: RoomId) -> u64 {
        let row = self.row(user, room).expect("the user is in the room");
        row.n - row.read_n
    }

    pub(crate) fn role(&self, user: UserId, room: RoomId) -> Option<Role> {
        self.read(move |reader| reader.role(user, room))
    }

    pub(crate) fn head(&self, room: RoomId) -> Seq {
        self.read(move |reader| reader.heads(&[room])[0].1)
    }
}
