//! The cases of `cases/sync`, which the web app's twin runs too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chinwag_client::sync::{Command, Effect, PageAt, Pending, Progress, Room, Sync, Tick};
use chinwag_proto::frame::{Event, ServerFrame};
use chinwag_proto::id::{Key, RoomId, Seq};
use chinwag_proto::rest::Messages;
use serde_json::{Map, Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/sync")
}

fn read(path: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a case file can be read");
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

#[test]
fn every_case_holds() {
    let defaults = read(&folder().join("defaults.json"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter(|path| !path.ends_with("defaults.json"))
        .collect();
    files.sort();
    let mut cases = 0;
    for file in files {
        for case in read(&file).as_array().expect("a list of cases") {
            let mut run = Run { defaults: &defaults, sync: Sync::new() };
            let name = case["name"].as_str().expect("a name");
            for (number, step) in case["steps"].as_array().expect("steps").iter().enumerate() {
                run.step(step, &format!("{name}, step {}", number + 1));
            }
            cases += 1;
        }
    }
    assert!(cases >= 30, "only {cases} cases were found");
}

struct Run<'a> {
    defaults: &'a Value,
    sync: Sync,
}

impl Run<'_> {
    fn step(&mut self, step: &Value, place: &str) {
        let mut stale = false;
        let effects = match the_action(step) {
            ("connect", token) => self.sync.connect(text(token)),
            ("disconnect", _) => {
                self.sync.disconnect();
                Vec::new()
            }
            ("frame", frame) => self.sync.apply(self.frame(frame)),
            ("send", to) => {
                let (room, key) = (room(&to["room"]), key(&to["key"]));
                self.sync.send(room, key, text(&to["text"]).to_owned()).expect("there is room")
            }
            ("delete", what) => {
                let (room, key) = (room(&what["room"]), key(&what["key"]));
                self.sync.delete(room, key, seq(&what["target"])).expect("there is room")
            }
            ("read", mark) => self.sync.read(room(&mark["room"]), seq(&mark["seq"])),
            ("page", page) => {
                stale = self.page(page);
                Vec::new()
            }
            ("deliver", _) => self.sync.deliver(),
            ("retry", _) => self.sync.retry(),
            ("timeout", _) => self.sync.timeout(),
            ("resend", which) => self.sync.resend(key(which)),
            ("discard", which) => {
                self.sync.discard(key(which));
                Vec::new()
            }
            (action, _) => panic!("{place}: no such action: {action}"),
        };
        let want_stale = step.get("stale").is_some();
        assert_eq!(stale, want_stale, "{place}: stale");
        self.check_effects(step, &effects, place);
        if let Some(view) = step.get("view") {
            self.check_view(view, place);
        }
    }

    fn check_effects(&self, step: &Value, effects: &[Effect], place: &str) {
        let (mut out, mut retry, mut deliver) = (Vec::new(), Value::Null, false);
        for effect in effects {
            match effect {
                Effect::Send(frame) => out.push(serde_json::to_value(frame).expect("JSON")),
                Effect::Retry { after_ms } => retry = json!(after_ms),
                Effect::Deliver { .. } => deliver = true,
                Effect::Begun { .. }
                | Effect::Applied { .. }
                | Effect::Gone { .. }
                | Effect::Refused { .. } => {}
            }
        }
        let want = step.get("out").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(Value::Array(out), want, "{place}: out");
        let want = step.get("retry_after_ms").cloned().unwrap_or_default();
        assert_eq!(retry, want, "{place}: retry_after_ms");
        if let Some(want) = step.get("delivers") {
            assert_eq!(json!(deliver), *want, "{place}: delivers");
        }
    }

    fn check_view(&self, want: &Value, place: &str) {
        let order = || -> Vec<String> {
            self.sync.rooms_by_activity().iter().map(|room| room.info().id.to_string()).collect()
        };
        for (part, want) in want.as_object().expect("an object") {
            match part.as_str() {
                "ready" => assert_eq!(json!(self.sync.is_ready()), *want, "{place}: ready"),
                "order" => assert_eq!(json!(order()), *want, "{place}: order"),
                "rooms" => self.check_rooms(want, place),
                part => panic!("{place}: no such part of a view: {part}"),
            }
        }
    }

    fn check_rooms(&self, want: &Value, place: &str) {
        for (id, want) in want.as_object().expect("an object") {
            let id: RoomId = id.parse().expect("an id");
            let Some(room) = self.sync.room(id) else {
                assert!(want.is_null(), "{place}: {id} is not there");
                continue;
            };
            assert!(!want.is_null(), "{place}: {id} is there");
            let view = view(room, self.sync.pending());
            for (field, want) in want.as_object().expect("an object") {
                assert_eq!(view.get(field), Some(want), "{place}: {field} of {id}");
            }
        }
    }

    fn page(&mut self, page: &Value) -> bool {
        let at = match &page["at"] {
            Value::String(newest) if newest == "newest" => PageAt::Newest,
            at if at.get("before").is_some() => PageAt::Before(seq(&at["before"])),
            at if at.get("after").is_some() => PageAt::After(seq(&at["after"])),
            at => PageAt::Around(seq(&at["around"])),
        };
        let messages = page["messages"].as_array().expect("messages");
        let event = |given| serde_json::from_value::<Event>(self.completed("event", given));
        let messages = Messages {
            epoch: self.sync.epoch().expect("a page comes after ready"),
            messages: messages.iter().map(|given| event(given).expect("an event")).collect(),
            head_seq: seq(&page["head_seq"]),
        };
        let limit = page["limit"].as_u64().expect("a limit") as usize;
        self.sync.page(room(&page["room"]), at, limit, messages).is_err()
    }

    fn frame(&self, given: &Value) -> ServerFrame {
        let kind = text(&given["type"]);
        let mut frame = match kind {
            "ready" | "event" | "reply" => self.completed(kind, given),
            _ => given.clone(),
        };
        if let Some(rooms) = frame.get_mut("rooms").and_then(Value::as_array_mut) {
            for room in rooms {
                *room = self.completed("room", room);
                if room["last"].is_object() {
                    room["last"] = self.completed("event", &room["last"]);
                }
            }
        }
        serde_json::from_value(frame).expect("a frame of the server")
    }

    fn completed(&self, kind: &str, given: &Value) -> Value {
        let mut whole = self.defaults[kind].as_object().expect("a default").clone();
        whole.extend(given.as_object().expect("an object").clone());
        Value::Object(whole)
    }
}

fn the_action(step: &Value) -> (&str, &Value) {
    const EXPECTED: &[&str] = &["out", "retry_after_ms", "delivers", "stale", "view"];
    let fields = step.as_object().expect("a step is an object").iter();
    let mut actions = fields.filter(|(name, _)| !EXPECTED.contains(&name.as_str()));
    let (name, argument) = actions.next().expect("a step has an action");
    assert_eq!(actions.next(), None, "a step has one action");
    (name, argument)
}

fn view(room: &Room, pending: &[Pending]) -> BTreeMap<String, Value> {
    let info = serde_json::to_value(room.info()).expect("JSON");
    let Value::Object(info) = info else { panic!("a room is an object") };
    let mut view: Map<String, Value> = info;
    let pending = pending.iter().filter(|pending| pending.room == room.info().id);
    view.insert("cursor".to_owned(), json!(room.cursor()));
    view.insert("draft".to_owned(), json!(room.info().draft));
    view.insert("ticks".to_owned(), room.timeline().newest().map(|it| tick(room, it)).collect());
    view.insert("unread".to_owned(), json!(room.unread()));
    view.insert("last".to_owned(), json!(room.info().last.as_ref().map(line)));
    view.insert("timeline".to_owned(), room.timeline().newest().map(line).collect());
    view.insert("pending".to_owned(), pending.map(pending_line).collect());
    view.into_iter().collect()
}

/// "3 read": what has become of a message.
fn tick(room: &Room, event: &Event) -> String {
    let tick = match room.tick(event.seq) {
        Tick::Sent => "sent",
        Tick::Delivered => "delivered",
        Tick::Read => "read",
    };
    format!("{} {tick}", event.seq)
}

fn line(event: &Event) -> String {
    let seq = event.seq;
    match (event.kind.as_str(), &event.body) {
        ("message", Some(body)) => format!("{seq} {}", text(&body["text"])),
        ("message", None) => format!("{seq} -"),
        (notice, _) => format!("{seq} {notice}"),
    }
}

fn pending_line(pending: &Pending) -> String {
    let what = match &pending.command {
        Command::Message { text } => text.clone(),
        Command::Deletion { target } => format!("delete {target}"),
    };
    match pending.progress {
        Progress::Waiting => format!("{what} waiting"),
        Progress::Sending { .. } => format!("{what} sending"),
        Progress::Sent { .. } => format!("{what} sent"),
        Progress::Failed { code } => format!("{what} failed:{}", code.name()),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn room(value: &Value) -> RoomId {
    text(value).parse().expect("an id of a room")
}

fn key(value: &Value) -> Key {
    text(value).parse().expect("a key")
}

fn seq(value: &Value) -> Seq {
    Seq::new(value.as_u64().expect("a seq"))
}
