//! Traces, as a collector gets them: a server of HTTP that takes OTLP in JSON.

mod collector;

use std::time::Instant;

use chinwag_core::id::RoomId;
use chinwag_proto::ws::{Opcode, encode};
use chinwag_testkit::server::{Server, fresh_key};
use collector::{Answering, Collector, Span};
use serde_json::json;

const TEXT: &str = "the heron is on the roof";

/// A server that traces every message to this collector.
fn traced(collector: &Collector) -> Server {
    Server::with(|raw| raw.traces = Some(collector.setting()))
}

fn send(room: RoomId, reference: u64, text: &str) -> String {
    let key = fresh_key();
    json!({"type": "message.send", "ref": reference, "room": room, "key": key, "text": text})
        .to_string()
}

#[test]
fn one_message_is_one_trace_from_its_frame_to_its_delivery() {
    let collector = Collector::start(Answering::Yes);
    let mut server = traced(&collector);
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.group("the herons", &[&bob]);
    let (mut from, mut to) = (ann.socket(), bob.socket());
    from.say(Opcode::Text, send(room, 1, TEXT).as_bytes());
    from.answer(1);
    to.until_one(|frame| frame["kind"] == "message");
    drop((from, to));
    server.stop();

    let heard = collector.heard();
    let mut spans: Vec<&Span> = heard.iter().flat_map(|request| &request.spans).collect();
    spans.sort_by_key(|span| span.start_ns);
    let named = |name: &str| *spans.iter().find(|span| span.name == name).expect(name);
    let root = named("receive");
    assert_eq!((root.parent.as_str(), root.kind), ("", 2));
    let parents = [
        ("queue", "receive"),
        ("append", "receive"),
        ("commit", "receive"),
        ("fan_out", "commit"),
        ("write", "fan_out"),
        ("reply", "commit"),
    ];
    for (name, parent) in parents {
        let (span, parent) = (named(name), named(parent));
        assert_eq!((&span.parent, &span.trace), (&parent.id, &root.trace), "{name}");
        assert!(span.end_ns >= span.start_ns && span.start_ns >= parent.start_ns, "{name}");
    }
    assert_eq!(spans.len(), 1 + parents.len(), "nothing else is traced: {spans:?}");
    let order = ["receive", "queue", "append", "commit"].map(|name| named(name).start_ns);
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(named("commit").number("chinwag.commands"), Some(1));
    assert_eq!(named("fan_out").number("chinwag.receivers"), Some(2));
    assert_eq!(named("write").number("chinwag.sockets"), Some(2));

    let said: String = heard.iter().map(|request| request.text.as_str()).collect();
    assert!(said.contains("\"service.version\"") && said.contains("\"herons' own\""), "{said}");
    for secret in [TEXT, "heron is", "the herons", "ann", "bob", &room.to_string()] {
        assert!(!said.contains(secret), "{secret:?} is in a trace");
    }
}

#[test]
fn messages_of_one_commit_are_linked_with_each_other() {
    let collector = Collector::start(Answering::Yes);
    let mut server = traced(&collector);
    let ann = server.register("ann");
    let room = ann.group("alone", &[]);
    let mut from = ann.socket();
    let mut bytes = Vec::new();
    for reference in [1, 2] {
        let frame = send(room, reference, TEXT);
        encode::client_frame(&mut bytes, Opcode::Text, true, frame.as_bytes(), [7; 4]);
    }
    from.say_bytes(&bytes);
    from.answer(1);
    from.answer(2);
    drop(from);
    server.stop();

    let heard = collector.heard();
    let spans = heard.iter().flat_map(|request| &request.spans);
    let commits: Vec<&Span> = spans.filter(|span| span.name == "commit").collect();
    let [one, other] = commits[..] else { panic!("two messages, so two commits: {commits:?}") };
    assert_ne!(one.trace, other.trace);
    assert_eq!(one.number("chinwag.commands"), Some(2));
    assert_eq!(one.links, [(other.trace.clone(), other.id.clone())]);
    assert_eq!(other.links, [(one.trace.clone(), one.id.clone())]);
}

#[test]
fn a_request_s_own_trace_is_taken_up_and_its_wish_for_none_too() {
    let collector = Collector::start(Answering::Yes);
    let mut server = traced(&collector);
    let ann = server.register("ann");
    let path = format!("/v1/rooms/{}/messages", ann.self_room());
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    for flags in ["01", "00"] {
        let body = json!({"key": fresh_key(), "text": TEXT});
        let parent = format!("00-{trace}-{span}-{flags}");
        ann.post(&path, &body).header("traceparent", &parent).expect(201);
    }
    server.stop();

    let heard = collector.heard();
    let spans = heard.iter().flat_map(|request| &request.spans);
    let roots: Vec<&Span> = spans.filter(|span| span.name == "receive").collect();
    let [root] = roots[..] else { panic!("one of the two is traced: {roots:?}") };
    assert_eq!((root.trace.as_str(), root.parent.as_str()), (trace, span));
}

#[test]
fn a_dead_collector_neither_holds_up_nor_loses_messages() {
    let collector = Collector::start(Answering::Never);
    let mut server = traced(&collector);
    let [ann, bob] = server.register_all(["ann", "bob"]);
    let room = ann.group("the herons", &[&bob]);
    let mut to = bob.socket();
    let mut say = |count: u64| {
        for _ in 0..count {
            let seq = ann.say(room, TEXT);
            to.until_one(|frame| frame["kind"] == "message" && frame["seq"] == json!(seq));
        }
    };
    say(1);
    collector.hears();
    assert_eq!(server.figure("chinwag_dropped_spans_total"), 0.0, "it waits for an answer");
    say(20);
    collector.hang_up();
    collector.hears();
    assert!(server.figure("chinwag_dropped_spans_total") > 0.0, "the first were given up");
    assert_eq!(server.figure("chinwag_sent_spans_total"), 0.0);
    say(20);

    drop(to);
    let began = Instant::now();
    server.restart();
    assert!(began.elapsed() < chinwag_core::limit::DRAIN_WITHIN, "nobody waits for a collector");
    let page = ann.get(&format!("/v1/rooms/{room}/messages?limit=100")).expect(200).text();
    assert_eq!(page.matches(TEXT).count(), 41);
    collector.hang_up();
}
