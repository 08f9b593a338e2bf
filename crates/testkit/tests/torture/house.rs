//! A server, the people in it and their rooms, and what they do while it is tortured.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use chinwag_client::sync::Progress;
use chinwag_core::id::{RoomId, UserId};
use chinwag_proto::rest::{Rooms, Tokens};
use chinwag_testkit::check::{Evidence, check};
use chinwag_testkit::ledger::{DeviceId, Entry, Ledger, Record};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};

use crate::caller::Caller;
use crate::device::{Device, text};
use crate::http::Http;
use crate::journal::Journal;
use crate::line::By;
use crate::server::Server;

pub(crate) const PASSWORD: &str = "a horse and a battery";
/// The number of a person's first program at the REST door; those of the tabs lie below.
const CALLERS: u16 = 1_000;
/// Changes of membership a second, for each who makes them.
const MEMBERSHIPS_EVERY: Duration = Duration::from_millis(40);

pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) handle: String,
    token: String,
    programs: Cell<u16>,
}

pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) journal: Rc<Journal>,
    pub(crate) people: Vec<Person>,
    pub(crate) devices: Vec<Rc<Device>>,
    /// Where people find the server.
    front: SocketAddr,
    stop: watch::Sender<bool>,
    busy: Vec<JoinHandle<()>>,
}

impl Person {
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

impl House {
    /// Starts a server and signs people up.
    pub(crate) async fn open(seed: u64, people: usize) -> Self {
        Self::around(Server::open().await, seed, people).await
    }

    /// Signs people up on a server that runs.
    pub(crate) async fn around(server: Server, seed: u64, people: usize) -> Self {
        let front = server.address();
        let mut house = Self {
            server,
            front,
            journal: Journal::new(seed),
            people: Vec::new(),
            devices: Vec::new(),
            stop: watch::Sender::new(false),
            busy: Vec::new(),
        };
        for number in 0..people {
            house.sign_up(number).await;
        }
        house
    }

    async fn sign_up(&mut self, number: usize) {
        let handle = format!("person{number}");
        let body = json!({ "handle": handle, "password": PASSWORD });
        let mut http = Http::new(self.server.address());
        let answer = http.call("POST", "/v1/auth/register", None, Some(&body)).await;
        let answer = answer.expect("the server answers");
        assert_eq!(answer.status, 201, "{}", answer.body);
        let tokens: Tokens = serde_json::from_value(answer.body).expect("tokens");
        let (user, token) = (tokens.user.id, tokens.access_token);
        self.people.push(Person { user, handle, token, programs: Cell::new(0) });
    }

    /// From now on people find the server here.
    pub(crate) fn by(&mut self, front: SocketAddr) {
        self.front = front;
    }

    /// A new tab of a person, which connects.
    pub(crate) fn device(&mut self, person: usize, receive_bytes: Option<u32>) -> Rc<Device> {
        self.device_by(person, By::Socket(receive_bytes))
    }

    /// One that comes by an event stream.
    pub(crate) fn stream(&mut self, person: usize) -> Rc<Device> {
        self.device_by(person, By::Stream)
    }

    fn device_by(&mut self, person: usize, by: By) -> Rc<Device> {
        let Person { user, token, .. } = &self.people[person];
        let number = self.devices.len() as u16;
        let id = DeviceId { user: *user, number, life: 0 };
        let device = Device::new(id, token.clone(), Rc::clone(&self.journal), by);
        spawn_local(Rc::clone(&device).live(self.front, self.server.life()));
        self.devices.push(Rc::clone(&device));
        device
    }

    /// A new program of a person at the REST door.
    pub(crate) fn caller(&self, person: usize) -> Caller {
        let Person { user, token, programs, .. } = &self.people[person];
        let number = CALLERS + programs.get();
        programs.set(programs.get() + 1);
        let id = DeviceId { user: *user, number, life: 0 };
        let (address, life) = (self.front, self.server.life());
        Caller::new(id, token.clone(), address, Rc::clone(&self.journal), life)
    }

    /// The users from this person on.
    pub(crate) fn users(&self, from: usize) -> Vec<UserId> {
        self.people[from..].iter().map(|person| person.user).collect()
    }

    pub(crate) async fn all_ready(&self) {
        let ready = || self.devices.iter().all(|device| device.is_ready());
        self.journal.until("every device is ready", ready).await;
    }

    /// A channel and two groups with everyone, direct rooms of neighbours, two tabs a person; and all
    /// do something all the time, over both doors, at so many messages a second.
    pub(crate) async fn furnish(&mut self) {
        let mut owner = self.caller(0);
        let others = self.users(1);
        let channel = owner.create("channel", &others).await;
        let group = owner.create("group", &others).await;
        owner.create("group", &others).await;
        for pair in 0..self.people.len() / 2 {
            let neighbour = self.people[2 * pair + 1].user;
            self.caller(2 * pair).create("direct", &[neighbour]).await;
        }
        for person in 0..self.people.len() {
            self.device(person, None);
            self.device(person, None);
        }
        self.all_ready().await;
        for person in 2..self.people.len() {
            let caller = self.caller(person);
            self.spawn(|stop| come_and_go(caller, channel, stop));
        }
        let owner = (self.caller(0), self.users(2));
        self.spawn(|stop| add_and_remove(owner.0, group, owner.1, stop));
        for person in 0..2 {
            let caller = self.caller(person);
            self.spawn(|stop| post_on(caller, vec![channel, group], stop));
        }
    }

    /// A channel and a group with everyone, so many tabs that share them out among them, and the first of
    /// each person typed at.
    pub(crate) async fn crowd(&mut self, tabs: usize, a_second: u32) {
        let mut owner = self.caller(0);
        let others = self.users(1);
        owner.create("channel", &others).await;
        owner.create("group", &others).await;
        let people = self.people.len();
        for person in 0..people {
            self.device(person, None);
        }
        self.all_ready().await;
        self.type_on(a_second);
        for number in people..tabs {
            self.device(number % people, None);
        }
        self.all_ready().await;
    }

    /// Has every tab typed at, all together at so many things a second.
    pub(crate) fn type_on(&mut self, a_second: u32) {
        let pace = Duration::from_secs(1) * self.devices.len() as u32 / a_second;
        for device in self.devices.clone() {
            self.spawn(|stop| device.type_on(pace, stop));
        }
    }

    /// Does something until [`House::quiet`].
    pub(crate) fn spawn<F: Future<Output = ()> + 'static>(
        &mut self,
        work: impl FnOnce(watch::Receiver<bool>) -> F,
    ) {
        self.busy.push(spawn_local(work(self.stop.subscribe())));
    }

    /// Nobody begins anything any more, and what was begun over REST comes to its end.
    pub(crate) async fn quiet(&mut self) {
        self.stop.send_replace(true);
        for busy in self.busy.drain(..) {
            busy.await.expect("nobody who works here panics");
        }
    }

    /// Waits until every tab shows what the API shows.
    pub(crate) async fn converge(&mut self) {
        let quiet = || self.devices.iter().all(|device| device.is_quiet());
        self.journal.until("every command has come to its end", quiet).await;
        for person in 0..self.people.len() {
            let rooms = self.rooms(person).await;
            let marks = rooms
                .rooms
                .iter()
                .map(|room| (room.id, (room.head_seq, room.n, room.read_seq, room.read_n)));
            let marks = marks.collect();
            let user = self.people[person].user;
            let tabs = self.devices.iter().filter(|device| device.id.get().user == user);
            for tab in tabs {
                let what = format!("{:?} shows {marks:?}", tab.id.get());
                self.journal.until(&what, || tab.marks() == marks).await;
            }
        }
    }

    /// Waits until every tab shows that all have everything.
    pub(crate) async fn all_delivered(&self) {
        let delivered = || self.devices.iter().all(|device| device.shows_all_delivered());
        self.journal.until("everything has two ticks", delivered).await;
    }

    /// All rooms of a person as the API lists them.
    pub(crate) async fn rooms(&self, person: usize) -> Rooms {
        let mut caller = self.caller(person);
        let mut rooms: Rooms = caller.get("/v1/rooms").await;
        while let Some(next) = rooms.next.take() {
            let page: Rooms = caller.get(&format!("/v1/rooms?after={next}")).await;
            rooms.rooms.extend(page.rooms);
            rooms.next = page.next;
        }
        rooms
    }

    /// Comes to rest, ends the server, and has the checker judge.
    pub(crate) async fn judge(mut self) {
        self.quiet().await;
        self.converge().await;
        let evidence = self.evidence().await;
        let ledger = self.journal.ledger();
        println!(
            "{} done, {} unknown, {} repeated, {} connections, {} records, {} events",
            self.journal.done.get(),
            self.journal.unknown.get(),
            self.journal.repeated.get(),
            self.journal.connections.get(),
            ledger.records().len(),
            evidence.store.iter().map(|room| room.events.len()).sum::<usize>()
        );
        assert_kept(&ledger, &evidence);
    }

    /// Has the checker judge the log as it lies on the disk, while the server is down. A command that was
    /// sent twice may have been refused once, and done the other time without an answer: as long as its
    /// tab asks for it, nobody knows, so a refusal of it is no word yet.
    pub(crate) fn judge_log(&self) {
        let is_open = |progress| !matches!(progress, Progress::Failed { .. });
        let asked_for = self.devices.iter().flat_map(|device| device.pending(is_open));
        let asked_for: BTreeSet<_> = asked_for.collect();
        let mut ledger = Ledger::new();
        for Record { at_ms, device, entry } in self.journal.ledger().records().iter().cloned() {
            let is_no_word = matches!(entry, Entry::Refused { room, key, .. } if asked_for.contains(&(room, key)));
            if !is_no_word {
                ledger.write(at_ms, device, entry);
            }
        }
        assert_kept(&ledger, &Evidence { store: self.stored(), ..Evidence::default() });
    }
}

fn assert_kept(ledger: &Ledger, evidence: &Evidence) {
    let violations = check(ledger, evidence);
    let told: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
    assert!(
        told.is_empty(),
        "{} promises were broken, among them\n  {}",
        violations.len(),
        told.join("\n  ")
    );
}

/// Joins a channel and leaves it again.
async fn come_and_go(mut caller: Caller, room: RoomId, stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(MEMBERSHIPS_EVERY);
    while !*stop.borrow() {
        tick.tick().await;
        caller.leave(room).await.expect("a member may leave");
        tick.tick().await;
        caller.join(room).await.expect("anyone may join a channel");
    }
}

/// Removes members from a group and takes them in again.
async fn add_and_remove(
    mut owner: Caller,
    room: RoomId,
    members: Vec<UserId>,
    stop: watch::Receiver<bool>,
) {
    let mut tick = tokio::time::interval(MEMBERSHIPS_EVERY);
    for &member in members.iter().cycle() {
        tick.tick().await;
        owner.remove(room, member).await.expect("an owner may remove");
        tick.tick().await;
        owner.add(room, member).await.expect("an owner may add");
        if *stop.borrow() {
            return;
        }
    }
}

/// Posts over REST, one after the other.
pub(crate) async fn post_on(mut caller: Caller, rooms: Vec<RoomId>, stop: watch::Receiver<bool>) {
    let journal = caller.journal();
    while !*stop.borrow() {
        let room = journal.draw(|random| random.pick(&rooms).copied());
        let room = room.expect("there are rooms");
        let text = journal.draw(text);
        caller.post(room, &text).await.expect("a member may post");
    }
}
