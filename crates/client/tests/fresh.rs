//! Old state + events = fresh state: whoever follows the log from any point, with pages loaded at any
//! other, shows what a fresh load shows. For every kind of event.

use chinwag_client::sync::{PageAt, Sync};
use chinwag_proto::frame::{Event, Ready, ServerFrame};
use chinwag_proto::id::{Epoch, RoomId, Seq, UserId};
use chinwag_proto::rest::{Messages, Room};
use proptest::prelude::*;
use serde_json::{Value, json};

const PAGE: usize = 4;

fn me() -> UserId {
    "0000000000ann".parse().expect("an id")
}

fn other() -> UserId {
    "0000000000bea".parse().expect("an id")
}

fn room() -> RoomId {
    "000000000rm01".parse().expect("an id")
}

/// What happens next in the room, or in my `self` room about it.
#[derive(Debug, Clone)]
enum Step {
    Message {
        mine: bool,
    },
    /// Erases one of the messages so far.
    Deletion {
        which: usize,
    },
    Renamed {
        name: String,
    },
    Settings {
        history: bool,
        posting: bool,
    },
    Joined,
    Left,
    Role {
        mine: bool,
        role: &'static str,
    },
    Unknown,
    /// I read up to one of the events so far, on another device.
    Read {
        which: usize,
    },
    /// I have begun to write, or not any more, on another device.
    Draft {
        text: String,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let role = prop::sample::select(vec!["reader", "member", "admin", "owner"]);
    prop_oneof![
        5 => any::<bool>().prop_map(|mine| Step::Message { mine }),
        3 => any::<usize>().prop_map(|which| Step::Deletion { which }),
        1 => "[a-z]{1,5}".prop_map(|name| Step::Renamed { name }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(history, posting)| Step::Settings { history, posting }),
        1 => Just(Step::Joined),
        1 => Just(Step::Left),
        1 => (any::<bool>(), role).prop_map(|(mine, role)| Step::Role { mine, role }),
        1 => Just(Step::Unknown),
        2 => any::<usize>().prop_map(|which| Step::Read { which }),
        2 => "[a-z]{0,2}".prop_map(|text| Step::Draft { text }),
    ]
}

/// The server's side: the log as it was told, and the tables as they are after it.
#[derive(Clone)]
struct Server {
    log: Vec<Event>,
    own_log: Vec<Event>,
    info: Room,
    /// The timeline in its current form.
    rows: Vec<Event>,
}

impl Server {
    fn new() -> Self {
        let info = json!({
            "id": room(), "kind": "group", "name": "room", "history": "all", "posting": "members",
            "role": "member", "members": 2, "head_seq": 0, "n": 0, "read_seq": 0, "read_n": 0,
            "created_at_ms": 0, "last": null
        });
        let info = serde_json::from_value(info).expect("a room");
        Self { log: Vec::new(), own_log: Vec::new(), info, rows: Vec::new() }
    }

    fn append(&mut self, mine: bool, kind: &str, body: Value) {
        self.info.head_seq = self.info.head_seq.next();
        let message = kind == "message";
        self.info.n += u64::from(message);
        let (n, from) = (message.then_some(self.info.n), if mine { me() } else { other() });
        let event = event(room(), self.info.head_seq, n, kind, from, body);
        if message && mine {
            (self.info.read_seq, self.info.read_n) = (self.info.head_seq, self.info.n);
        }
        if !matches!(kind, "deletion" | "sticker_storm") {
            self.rows.push(event.clone());
        }
        self.log.push(event);
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Message { mine } => {
                let text = format!("message {}", self.info.n);
                self.append(*mine, "message", json!({ "text": text }));
            }
            Step::Deletion { which } => self.delete(*which),
            Step::Renamed { name } => {
                self.info.name = Some(name.clone());
                self.append(false, "room_updated", json!({ "name": name }));
            }
            Step::Settings { history, posting } => {
                let history = if *history { "all" } else { "since_join" };
                let posting = if *posting { "members" } else { "admins" };
                (self.info.history, self.info.posting) = (history.to_owned(), posting.to_owned());
                let body = json!({ "history": history, "posting": posting });
                self.append(false, "room_updated", body);
            }
            Step::Joined => {
                self.info.members += 1;
                let body = json!({ "user": "0000000000cat", "role": "member" });
                self.append(false, "member_joined", body);
            }
            Step::Left if self.info.members > 2 => {
                self.info.members -= 1;
                self.append(false, "member_left", json!({ "user": "0000000000cat" }));
            }
            Step::Role { mine, role } => {
                let user = if *mine { me() } else { other() };
                if *mine {
                    self.info.role = Some((*role).to_owned());
                }
                self.append(false, "member_role", json!({ "user": user, "role": role }));
            }
            Step::Unknown => self.append(false, "sticker_storm", json!({})),
            Step::Read { which } => self.read(*which),
            Step::Draft { text } => self.draft(text),
            Step::Left => {}
        }
    }

    fn delete(&mut self, which: usize) {
        let alive = |row: &&mut Event| row.kind == "message" && row.body.is_some();
        let mut messages: Vec<&mut Event> = self.rows.iter_mut().filter(alive).collect();
        if messages.is_empty() {
            return;
        }
        let place = which % messages.len();
        let target = messages[place].seq;
        messages[place].body = None;
        messages[place].rev = Some(self.info.head_seq.next());
        self.append(true, "deletion", json!({ "target": target }));
    }

    fn read(&mut self, which: usize) {
        let seq = Seq::new(which as u64 % (self.info.head_seq.get() + 1));
        if seq <= self.info.read_seq {
            return;
        }
        let read = self.log.iter().filter(|event| event.seq <= seq);
        let n = read.filter_map(|event| event.n).max().unwrap_or(0);
        (self.info.read_seq, self.info.read_n) = (seq, n);
        self.tell_me("room_read", json!({ "room": room(), "read_seq": seq, "read_n": n }));
    }

    /// The one before it keeps its place and not its body.
    fn draft(&mut self, text: &str) {
        let next = Seq::new(self.own_log.len() as u64 + 1);
        for event in self.own_log.iter_mut().filter(|event| event.kind == "draft") {
            (event.body, event.rev) = (None, event.rev.or(Some(next)));
        }
        self.info.draft = Some(text.to_owned()).filter(|text| !text.is_empty());
        self.tell_me("draft", json!({ "room": room(), "text": text }));
    }

    fn tell_me(&mut self, kind: &str, body: Value) {
        let next = Seq::new(self.own_log.len() as u64 + 1);
        self.own_log.push(event(RoomId::of_self(me()), next, None, kind, me(), body));
    }

    fn info(&self) -> Room {
        Room { last: self.rows.last().cloned(), ..self.info.clone() }
    }

    fn own_info(&self) -> Room {
        Room {
            id: RoomId::of_self(me()),
            kind: "self".to_owned(),
            head_seq: Seq::new(self.own_log.len() as u64),
            ..Self::new().info
        }
    }

    fn page(&self, before: Option<Seq>) -> Messages {
        let shown =
            self.rows.iter().rev().filter(|row| before.is_none_or(|before| row.seq < before));
        let mut messages: Vec<Event> = shown.take(PAGE).cloned().collect();
        messages.reverse();
        Messages { epoch: Epoch::new(1), messages, head_seq: self.info.head_seq }
    }
}

fn event(room: RoomId, seq: Seq, n: Option<u64>, kind: &str, from: UserId, body: Value) -> Event {
    let (kind, id, body) = (kind.to_owned(), String::new(), Some(body));
    Event { room, seq, n, id, key: None, kind, from, at_ms: 1_000 + seq.get(), rev: None, body }
}

fn ready(server: &Server) -> ServerFrame {
    let frame = json!({
        "type": "ready", "epoch": Epoch::new(1), "reset": false, "session": "0000000000001",
        "user": {"id": me(), "handle": "ann", "display_name": "Ann", "rank": "member", "created_at_ms": 0},
        "rooms": [server.info(), server.own_info()], "users": [], "more": false, "now_ms": 0,
        "limits": {"text_bytes": 1, "frame_bytes": 1, "in_flight": 1, "page": 1, "cursors": 1000, "watch": 1}
    });
    let ready: Ready = serde_json::from_value(frame).expect("a ready");
    ServerFrame::Ready(ready)
}

/// A client that came when the server was like this.
fn fresh(server: &Server) -> Sync {
    let mut sync = Sync::new();
    sync.connect("t");
    sync.apply(ready(server));
    sync
}

/// Scrolls up to the beginning.
fn load_all(sync: &mut Sync, server: &Server) {
    let (mut at, mut before) = (PageAt::Newest, None);
    loop {
        let page = server.page(before);
        let first = page.messages.first().map(|first| first.seq);
        if sync.page(room(), at, PAGE, page).is_err() {
            return;
        }
        let Some(first) = first else { return };
        (at, before) = (PageAt::Before(first), Some(first));
    }
}

fn shown(sync: &Sync) -> (Room, Seq, u64, Vec<Event>) {
    let state = sync.room(room()).expect("the room is known");
    let timeline = state.timeline().newest().cloned().collect();
    (state.info().clone(), state.cursor(), state.unread(), timeline)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn following_the_log_shows_what_a_fresh_load_shows(
        steps in prop::collection::vec(step(), 1..60),
        came in 0_usize..60,
        loaded in 0_usize..60,
        resumed in 0_usize..60,
        newest_first in any::<bool>(),
    ) {
        let mut states = vec![Server::new()];
        for step in &steps {
            let mut next = states.last().expect("there is one").clone();
            next.take(step);
            states.push(next);
        }
        let last = states.last().expect("there is one");
        let at = |number: usize| &states[number.min(states.len() - 1)];

        let mut follower = fresh(at(came));
        let (from, own_from) = (at(came).log.len(), at(came).own_log.len());
        let loads_first = newest_first && loaded >= came;
        if loads_first {
            load_all(&mut follower, at(loaded));
        }
        for (place, event) in last.log.iter().enumerate().skip(from) {
            if place == resumed {
                follower.disconnect();
                follower.connect("t");
                follower.apply(ready(last));
            }
            follower.apply(ServerFrame::Event(event.clone()));
        }
        for event in &last.own_log[own_from..] {
            follower.apply(ServerFrame::Event(event.clone()));
        }
        if !loads_first {
            load_all(&mut follower, at(loaded));
        }
        load_all(&mut follower, last);

        let mut reference = fresh(last);
        load_all(&mut reference, last);
        prop_assert_eq!(shown(&follower), shown(&reference));
        let timeline: Vec<Event> = reference.room(room()).expect("known").timeline().newest().cloned().collect();
        prop_assert_eq!(&timeline, &last.rows, "and that is what the tables hold");
    }

    #[test]
    fn no_order_and_no_repetition_of_frames_confuses_it(
        steps in prop::collection::vec(step(), 1..30),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut server = Server::new();
        let mut sync = fresh(&server);
        for step in &steps {
            server.take(step);
        }
        let events: Vec<&Event> = server.log.iter().chain(&server.own_log).collect();
        for index in order.iter().filter(|_| !events.is_empty()) {
            sync.apply(ServerFrame::Event((*index.get(&events)).clone()));
        }
        for event in &events {
            sync.apply(ServerFrame::Event((*event).clone()));
        }
        load_all(&mut sync, &server);
        let mut reference = fresh(&server);
        load_all(&mut reference, &server);
        prop_assert_eq!(shown(&sync), shown(&reference));
    }
}
