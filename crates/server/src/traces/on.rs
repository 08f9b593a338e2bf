//! What is noted on the way of a message, and the spans that it becomes.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chinwag_core::id::{RoomId, Seq};
use chinwag_store::committed::Told;
use chinwag_store::trace::{Carried, Sent, Trace};
use http::HeaderMap;
use tokio::sync::mpsc;

use super::otlp::{self, Span};
use crate::clock;
use crate::config::Collector;

/// Spans that wait for the exporter, of about 200 bytes; more are dropped.
const SPANS_HELD_MAX: usize = 8_192;
/// Links of a commit to other messages of its transaction.
const LINKS_MAX: usize = 32;

/// Takes spans, where somebody wants them.
#[derive(Debug)]
pub(crate) struct Traces(Option<Kept>);

#[derive(Debug)]
struct Kept {
    /// Of 2⁶⁴ traces so many are taken.
    threshold: u128,
    spans: mpsc::Sender<Span>,
    exporter: std::sync::Mutex<Option<otlp::Exporter>>,
    figures: Arc<Figures>,
}

/// What became of the spans.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub sent: AtomicU64,
    pub dropped: AtomicU64,
}

/// The trace that a request says it belongs to: <https://www.w3.org/TR/trace-context/>.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent(Option<Said>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    trace: u128,
    span: u64,
    sampled: bool,
}

/// When what is being read came.
#[derive(Debug, Default)]
pub(crate) struct Reading(Cell<Option<Instant>>);

/// The traced messages of one wake-up of a shard.
#[derive(Debug, Default)]
pub(crate) struct Fanning {
    messages: Vec<Message>,
    writing: Option<Instant>,
    written: u64,
    full: u64,
}

#[derive(Debug)]
struct Message {
    carried: Carried,
    event: (RoomId, Seq),
    taken: Instant,
    committed: Instant,
    receivers: u64,
    replied: bool,
}

impl Traces {
    pub(crate) fn new(collector: Option<&Collector>) -> Self {
        Self(collector.map(|collector| {
            let (spans, waiting) = mpsc::channel(SPANS_HELD_MAX);
            let figures = Arc::new(Figures::default());
            let exporter = otlp::Exporter::new(collector.clone(), waiting, Arc::clone(&figures));
            Kept {
                threshold: (collector.ratio * 2_f64.powi(64)) as u128,
                spans,
                exporter: std::sync::Mutex::new(Some(exporter)),
                figures,
            }
        }))
    }

    /// What sends the spans on; once.
    pub(crate) fn exporter(&self) -> Option<otlp::Exporter> {
        let mut exporter = self.0.as_ref()?.exporter.lock().ok()?;
        exporter.take()
    }

    /// Spans sent, and dropped.
    pub(crate) fn figures(&self) -> Option<[u64; 2]> {
        let Figures { sent, dropped } = &*self.0.as_ref()?.figures;
        Some([sent, dropped].map(|figure| figure.load(Ordering::Relaxed)))
    }

    /// Begins the trace of a command, if it is to have one. A caller's own trace is taken up, and its
    /// wish not to be traced; that it wishes to be does not weigh more than the ratio.
    pub(crate) fn begin(&self, parent: Parent, reading: &Reading) -> Trace {
        let carried = self.0.as_ref().and_then(|kept| {
            reading.0.get()?;
            let trace = parent.0.map_or_else(clock::random_u128, |said| said.trace);
            let taken = u128::from(trace as u64) < kept.threshold;
            if !taken || parent.0.is_some_and(|said| !said.sampled) {
                return None;
            }
            let (taken, commit) = (random_id(), random_id());
            Some(Carried { trace, taken, commit, submitted: clock::instant() })
        });
        Trace { carried }
    }

    /// The command is with the writer.
    pub(crate) fn received(&self, trace: Trace, parent: Parent, reading: &Reading) {
        let (Some(carried), Some(from)) = (trace.carried, reading.0.get()) else {
            return;
        };
        self.add(Span {
            id: carried.taken,
            is_server: true,
            ..Span::new(
                "receive",
                carried.trace,
                parent.0.map(|said| said.span),
                [from, carried.submitted],
            )
        });
    }

    /// Makes the writer's spans. On the writer's thread, so nothing here waits.
    pub(crate) fn note(&self, batch: &[Told]) {
        for sent in batch.iter().flat_map(traced) {
            self.note_sent(sent, batch);
        }
    }

    fn note_sent(&self, sent: &Sent, batch: &[Told]) {
        let Carried { trace, taken, commit, submitted } = sent.carried;
        let span = |name, times| Span::new(name, trace, Some(taken), times);
        self.add(span("queue", [submitted, sent.begun.max(submitted)]));
        self.add(Span { failed: sent.refused, ..span("append", sent.applied) });
        let others = batch.iter().flat_map(traced);
        let others =
            others.filter(|other| other.carried.trace != trace && other.begun == sent.begun);
        let links = others.map(|other| (other.carried.trace, other.carried.commit));
        self.add(Span {
            id: commit,
            numbers: vec![("chinwag.commands", sent.batch as u64)],
            links: links.take(LINKS_MAX).collect(),
            ..span("commit", sent.committed)
        });
    }

    fn add(&self, span: Span) {
        if let Some(kept) = &self.0
            && kept.spans.try_send(span).is_err()
        {
            kept.figures.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn traced(told: &Told) -> &[Sent] {
    match told {
        Told::Traced(sent) => sent,
        _ => &[],
    }
}

/// Never 0, which is no id.
fn random_id() -> u64 {
    (clock::random_u128() as u64).max(1)
}

impl Parent {
    /// None where there is no header or it is not well formed, as if it were not there.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let said = headers.get("traceparent").and_then(|value| value.to_str().ok());
        Self(said.and_then(parse_traceparent))
    }
}

fn parse_traceparent(said: &str) -> Option<Said> {
    let is_hex = |text: &str| text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = said.splitn(5, '-').collect();
    let [version, trace, span, flags, ..] = parts[..] else {
        return None;
    };
    let is_known = version == "00" && parts.len() == 4;
    let is_later = version != "00" && version != "ff" && version.len() == 2 && is_hex(version);
    let sizes = (trace.len(), span.len(), flags.len());
    if !(is_known || is_later)
        || sizes != (32, 16, 2)
        || ![trace, span, flags].into_iter().all(is_hex)
    {
        return None;
    }
    let (trace, span) =
        (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    (trace != 0 && span != 0).then_some(Said { trace, span, sampled })
}

impl Reading {
    /// Something has been read.
    pub(crate) fn begin(&self, traces: &Traces) {
        if traces.0.is_some() {
            self.0.set(Some(clock::instant()));
        }
    }

    pub(crate) fn now(traces: &Traces) -> Self {
        let reading = Self::default();
        reading.begin(traces);
        reading
    }
}

impl Fanning {
    /// A shard begins to deliver a transaction.
    pub(crate) fn take(&mut self, batch: &[Told], taken: Instant) {
        let sent = batch.iter().flat_map(traced);
        self.messages.extend(sent.filter_map(|sent| {
            Some(Message {
                carried: sent.carried,
                event: sent.event?,
                taken,
                committed: sent.committed[1],
                receivers: 0,
                replied: false,
            })
        }));
    }

    pub(crate) fn delivered(&mut self, room: RoomId, seq: Seq, receivers: usize) {
        if let Some(message) = self.message(room, seq) {
            message.receivers += receivers as u64;
        }
    }

    pub(crate) fn replied(&mut self, room: RoomId, seq: Seq) {
        if let Some(message) = self.message(room, seq) {
            message.replied = true;
        }
    }

    fn message(&mut self, room: RoomId, seq: Seq) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.event == (room, seq))
    }

    /// What was given to each reader is now written.
    pub(crate) fn writing(&mut self) {
        if !self.messages.is_empty() {
            self.writing = Some(clock::instant());
        }
    }

    /// One reader's socket took it, or its outbox did.
    pub(crate) fn written(&mut self, whole: bool) {
        self.written += u64::from(whole);
        self.full += u64::from(!whole);
    }

    /// All is written, or in an outbox.
    pub(crate) fn end(&mut self, traces: &Traces, shard: u16) {
        let (written, full) = (std::mem::take(&mut self.written), std::mem::take(&mut self.full));
        let Some(writing) = self.writing.take() else {
            return;
        };
        let now = clock::instant();
        for message in self.messages.drain(..) {
            let Carried { trace, commit, .. } = message.carried;
            let shard = ("chinwag.shard", u64::from(shard));
            let fan_out = Span {
                numbers: vec![shard, ("chinwag.receivers", message.receivers)],
                ..Span::new("fan_out", trace, Some(commit), [message.taken, now])
            };
            let write = Span {
                numbers: vec![
                    shard,
                    ("chinwag.sockets", written + full),
                    ("chinwag.sockets_full", full),
                ],
                ..Span::new("write", trace, Some(fan_out.id), [writing, now])
            };
            traces.add(fan_out);
            traces.add(write);
            if message.replied {
                traces.add(Span::new("reply", trace, Some(commit), [message.committed, now]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_well_formed_or_is_not_there() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let said = parse_traceparent(good).expect("the example of the standard");
        assert_eq!((said.span, said.sampled), (0x00f0_67aa_0ba9_02b7, true));
        assert!(parse_traceparent(&good.replace("-01", "-00")).is_some_and(|said| !said.sampled));
        assert!(parse_traceparent(&good.replacen("00", "01", 1)).is_some(), "a later version");
        let wrong = [
            good.replace("00-", "ff-"),
            good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            good.to_uppercase(),
            format!("{good}-more"),
            good[1..].to_owned(),
            String::new(),
        ];
        for wrong in wrong {
            assert_eq!(parse_traceparent(&wrong), None, "{wrong}");
        }
    }
}
