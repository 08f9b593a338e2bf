//! The exporter: gathers spans and posts them as OTLP in JSON over HTTP/1.1
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>). What cannot be sent is dropped and counted:
//! nobody waits for a collector.

use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::on::{Figures, Traces};
use crate::clock;
use crate::config::Collector;

/// Spans of one request: about 300 bytes each.
const BATCH_MAX: usize = 512;
/// How long a span waits for others.
const GATHER_FOR: Duration = Duration::from_secs(1);
/// A collector that takes longer is dead.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// One step of a message's way.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) trace: u128,
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) times: [Instant; 2],
    /// It begins where somebody asked, and is no inner step.
    pub(super) is_server: bool,
    pub(super) failed: bool,
    pub(super) numbers: Vec<(&'static str, u64)>,
    /// Trace and span of each.
    pub(super) links: Vec<(u128, u64)>,
}

impl Span {
    /// A span with an id of its own and nothing to say but when it was.
    pub(super) fn new(
        name: &'static str,
        trace: u128,
        parent: Option<u64>,
        times: [Instant; 2],
    ) -> Self {
        let id = (clock::random_u128() as u64).max(1);
        let (numbers, links) = (Vec::new(), Vec::new());
        Self { name, trace, id, parent, times, is_server: false, failed: false, numbers, links }
    }

    fn json(&self) -> Value {
        let number = |&(key, value): &(&str, u64)| json!({"key": key, "value": {"intValue": value.to_string()}});
        let link = |&(trace, span): &(u128, u64)| json!({"traceId": trace_id(trace), "spanId": span_id(span)});
        json!({
            "traceId": trace_id(self.trace),
            "spanId": span_id(self.id),
            "parentSpanId": self.parent.map_or_else(String::new, span_id),
            "name": self.name,
            "kind": if self.is_server { 2 } else { 1 },
            "startTimeUnixNano": unix_ns(self.times[0]),
            "endTimeUnixNano": unix_ns(self.times[1]),
            "attributes": self.numbers.iter().map(number).collect::<Vec<_>>(),
            "links": self.links.iter().map(link).collect::<Vec<_>>(),
            "status": if self.failed { json!({"code": 2}) } else { json!({}) },
        })
    }
}

fn trace_id(trace: u128) -> String {
    format!("{trace:032x}")
}

fn span_id(span: u64) -> String {
    format!("{span:016x}")
}

/// A moment in nanoseconds since 1970, as JSON has numbers of 64 bits.
fn unix_ns(moment: Instant) -> String {
    static BOTH: LazyLock<(Instant, SystemTime)> =
        LazyLock::new(|| (clock::instant(), clock::wall()));
    let (instant, wall) = *BOTH;
    let wall = match moment.checked_duration_since(instant) {
        Some(since) => wall + since,
        None => wall - instant.duration_since(moment),
    };
    wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

/// The exporter at its work, where there is one.
#[derive(Debug)]
pub(crate) struct Exporting(Option<(watch::Sender<bool>, JoinHandle<()>)>);

impl Exporting {
    pub(crate) fn start(runtime: &Runtime, traces: &Traces) -> Self {
        Self(traces.exporter().map(|exporter| {
            let (stop, stopped) = watch::channel(false);
            (stop, runtime.spawn(exporter.run(stopped)))
        }))
    }

    /// Sends what is left, for at most so long.
    pub(crate) fn finish(self, runtime: &Runtime, within: Duration) {
        if let Some((stop, task)) = self.0 {
            let _ = stop.send(true);
            let finished = runtime.block_on(async { tokio::time::timeout(within, task).await });
            if finished.is_err() {
                tracing::warn!("the last traces did not reach their collector in time");
            }
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Exporter {
    collector: Collector,
    waiting: mpsc::Receiver<Span>,
    figures: Arc<Figures>,
    /// True once one could be reached, so that a change is logged and not every failure.
    reached: Option<bool>,
}

impl Exporter {
    pub(super) fn new(
        collector: Collector,
        waiting: mpsc::Receiver<Span>,
        figures: Arc<Figures>,
    ) -> Self {
        Self { collector, waiting, figures, reached: None }
    }

    /// Sends what comes, until it is told to stop; then what is left.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut spans = Vec::with_capacity(BATCH_MAX);
        loop {
            self.gather(&mut spans, &mut stop).await;
            if spans.is_empty() {
                return;
            }
            self.send(&spans).await;
            spans.clear();
        }
    }

    /// Fills `spans` for a while; leaves it empty once it was told to stop and nothing is left.
    async fn gather(&mut self, spans: &mut Vec<Span>, stop: &mut watch::Receiver<bool>) {
        let mut until = None;
        while spans.len() < BATCH_MAX {
            let over = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                count = self.waiting.recv_many(spans, BATCH_MAX - spans.len()) => {
                    if count == 0 {
                        return;
                    }
                    until = until.or_else(|| Some(tokio::time::Instant::now() + GATHER_FOR));
                }
                () = over => return,
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn send(&mut self, spans: &[Span]) {
        let count = spans.len() as u64;
        let body = self.body(spans);
        let posted = tokio::time::timeout(ANSWER_WITHIN, post(&self.collector, body)).await;
        let outcome = posted.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer")));
        let (counter, reached) = match &outcome {
            Ok(()) => (&self.figures.sent, true),
            Err(_) => (&self.figures.dropped, false),
        };
        counter.fetch_add(count, Ordering::Relaxed);
        if self.reached.replace(reached) != Some(reached) {
            match outcome {
                Ok(()) => tracing::info!("traces reach their collector"),
                Err(error) => {
                    tracing::warn!(error = %format!("{error:#}"), "traces do not reach their collector: they are dropped");
                }
            }
        }
    }

    fn body(&self, spans: &[Span]) -> Vec<u8> {
        let text = |key, value| json!({"key": key, "value": {"stringValue": value}});
        let version = env!("CARGO_PKG_VERSION");
        let resource =
            [text("service.name", &*self.collector.service), text("service.version", version)];
        let spans: Vec<Value> = spans.iter().map(Span::json).collect();
        let scope = json!({"name": "chinwag", "version": version});
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": resource},
            "scopeSpans": [{"scope": scope, "spans": spans}],
        }]});
        body.to_string().into_bytes()
    }
}

/// One connection a request: there is one a second at most, unless much is traced.
async fn post(collector: &Collector, body: Vec<u8>) -> anyhow::Result<()> {
    let url = &collector.url;
    let authority = url.authority().context("an address without a host")?;
    let (host, port) = (authority.host(), authority.port_u16().unwrap_or(80));
    let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
    let tcp = tcp.with_context(|| format!("no connection to {host}:{port}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await?;
    let driven = tokio::spawn(connection);
    let request = Request::post(url.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await;
    driven.abort();
    let status = answer?.status();
    ensure!(status.is_success(), "the collector answers {status}");
    Ok(())
}
