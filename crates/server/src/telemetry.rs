//! What one can see of a running server: metrics, probes, logs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chinwag_core::limit::INBOX_MAX;
use chinwag_core::outbox::Losses;
use chinwag_proto::code::{CloseCode, ErrorCode, Problem};
use chinwag_store::{COMMIT_BOUNDS_US, Statistics};
use http::{StatusCode, header};
use prometheus_client::encoding::{EncodeLabelSet, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;
use crate::http::answer::{Answer, Failure};
use crate::http::extract::Peer;
use crate::traces::Traces;

/// What `/metrics` answers with (OpenMetrics 1.0).
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CloseLabel {
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShardLabel {
    shard: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabel {
    queue: &'static str,
}

type Gauge64 = Gauge<i64, AtomicI64>;
type Counter64 = Counter<u64, AtomicU64>;

/// Why a reader was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It took nothing for too long.
    Stalled,
    /// Not even the replies that it asked for fit its outbox.
    Overflow,
    /// Its connection broke.
    Gone,
}

/// What a shard sees of itself, once a second.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ShardFigures {
    pub connections: usize,
    pub streams: usize,
    pub outbox_bytes: usize,
    /// Readers whose socket is full.
    pub waiting: usize,
    /// Those of them that will be told to sync.
    pub lagging: usize,
}

/// The server's own figures. Labels come from closed lists: no user, room or address is one.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub accepted: Counter64,
    pub accepts_refused: Counter64,
    pub handshakes_failed: Counter64,
    pub requests: Counter64,
    pub opened: Counter64,
    pub frames_in: Counter64,
    pub deliveries: Counter64,
    pub delivery_seconds: Histogram,
    pub signals_dropped: Counter64,
    pub inboxes_lost: Counter64,
    backlogs_forgotten: Counter64,
    readers_dropped: Family<ReasonLabel, Counter64>,
    refusals: Family<CodeLabel, Counter64>,
    closes: Family<CloseLabel, Counter64>,
    connections: Family<ShardLabel, Gauge64>,
    streams: Family<ShardLabel, Gauge64>,
    outbox_bytes: Family<ShardLabel, Gauge64>,
    readers_waiting: Family<ShardLabel, Gauge64>,
    readers_lagging: Family<ShardLabel, Gauge64>,
}

impl Dropped {
    fn label(self) -> ReasonLabel {
        let reason = match self {
            Self::Stalled => "stalled",
            Self::Overflow => "overflow",
            Self::Gone => "gone",
        };
        ReasonLabel { reason }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("chinwag");
        let metrics = Self {
            accepted: Counter::default(),
            accepts_refused: Counter::default(),
            handshakes_failed: Counter::default(),
            requests: Counter::default(),
            opened: Counter::default(),
            frames_in: Counter::default(),
            deliveries: Counter::default(),
            delivery_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            signals_dropped: Counter::default(),
            inboxes_lost: Counter::default(),
            backlogs_forgotten: Counter::default(),
            readers_dropped: Family::default(),
            refusals: Family::default(),
            closes: Family::default(),
            connections: Family::default(),
            streams: Family::default(),
            outbox_bytes: Family::default(),
            readers_waiting: Family::default(),
            readers_lagging: Family::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        Self { registry, ..metrics }
    }

    fn register(&self, registry: &mut Registry) {
        let counters = [
            ("accepted_connections", "Connections accepted", &self.accepted),
            (
                "refused_connections",
                "Connections refused: too many, or no descriptor left",
                &self.accepts_refused,
            ),
            (
                "failed_handshakes",
                "TLS handshakes that came to nothing: broken, refused or too slow",
                &self.handshakes_failed,
            ),
            ("http_requests", "HTTP requests", &self.requests),
            ("opened_sockets", "WebSockets and event streams that became ready", &self.opened),
            ("received_frames", "WebSocket messages that clients sent", &self.frames_in),
            ("deliveries", "Events written to a reader", &self.deliveries),
            (
                "forgotten_backlogs",
                "Readers so slow that their events were forgotten; they are told to sync",
                &self.backlogs_forgotten,
            ),
            ("dropped_signals", "Signals that no queue had room for", &self.signals_dropped),
            (
                "lost_inboxes",
                "Shards so far behind that all their connections were sent back",
                &self.inboxes_lost,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        for why in [Dropped::Stalled, Dropped::Overflow, Dropped::Gone] {
            drop(self.readers_dropped.get_or_create(&why.label()));
        }
        registry.register(
            "dropped_readers",
            "Connections cut because they did not take what they were sent",
            self.readers_dropped.clone(),
        );
        registry.register("refusals", "Commands and requests refused", self.refusals.clone());
        registry.register(
            "closes",
            "WebSockets and event streams that the server closed",
            self.closes.clone(),
        );
        let gauges = [
            ("connections", "WebSockets and event streams now", &self.connections),
            (
                "event_streams",
                "Those of them that are event streams: somewhere on the way WebSockets are broken",
                &self.streams,
            ),
            ("outbox_bytes", "What waits for slow readers", &self.outbox_bytes),
            ("waiting_readers", "Readers whose socket is full", &self.readers_waiting),
            ("lagging_readers", "Those of them that will be told to sync", &self.readers_lagging),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register_with_unit(
            "delivery",
            "From the end of a commit to the last write of its events on a shard",
            Unit::Seconds,
            self.delivery_seconds.clone(),
        );
    }

    pub(crate) fn refused(&self, code: ErrorCode) {
        self.refusals.get_or_create(&CodeLabel { code: code.name() }).inc();
        tracing::debug!(code = code.name(), "refused");
    }

    pub(crate) fn dropped(&self, why: Dropped) {
        self.readers_dropped.get_or_create(&why.label()).inc();
    }

    /// What a full outbox let go.
    pub(crate) fn lost(&self, losses: Losses) {
        self.backlogs_forgotten.inc_by(losses.backlogs);
        self.signals_dropped.inc_by(losses.signals);
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        self.closes.get_or_create(&CloseLabel { code: code.number() }).inc();
    }

    /// What a shard sees of itself, once a second.
    pub(crate) fn shard(&self, shard: u16, seen: ShardFigures) {
        let set = |family: &Family<ShardLabel, Gauge64>, value: usize| {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            family.get_or_create(&ShardLabel { shard }).set(value);
        };
        set(&self.connections, seen.connections);
        set(&self.streams, seen.streams);
        set(&self.outbox_bytes, seen.outbox_bytes);
        set(&self.readers_waiting, seen.waiting);
        set(&self.readers_lagging, seen.lagging);
    }
}

/// `/metrics` on the main port: to a loopback peer, while nothing says that the server is public.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> Answer<Response> {
    let peer = request.extensions().get::<Peer>();
    let near = peer.is_some_and(|peer| peer.0.is_loopback());
    if !near || !app.config.metrics_on_main_port() {
        return Err(Failure(Problem::not_found()));
    }
    Ok(openmetrics(&app))
}

/// The text of all figures.
pub(crate) fn openmetrics(app: &App) -> Response {
    let mut body = String::new();
    let encoded = text::encode_registry(&mut body, &app.metrics.registry)
        .and_then(|()| {
            let mut store = Registry::with_prefix("chinwag");
            store.register_collector(Box::new(StoreFigures(
                app.store.statistics(),
                [app.shards.depth(), app.shards.inboxes().len() * INBOX_MAX],
            )));
            text::encode_registry(&mut body, &store)
        })
        .and_then(|()| spans(&mut body, &app.traces))
        .and_then(|()| text::encode_eof(&mut body));
    match encoded {
        Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What became of the spans of traces, where there is a collector.
fn spans(body: &mut String, traces: &Traces) -> Result<(), fmt::Error> {
    let Some([sent, dropped]) = traces.figures() else {
        return Ok(());
    };
    let mut registry = Registry::with_prefix("chinwag");
    for (name, help, value) in [
        ("sent_spans", "Spans of traces that the collector took", sent),
        ("dropped_spans", "Spans that were dropped: too many, or no collector", dropped),
    ] {
        let counter = Counter64::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    text::encode_registry(body, &registry)
}

/// The store's figures at one moment, and what waits for the shards and may.
struct StoreFigures(Statistics, [usize; 2]);

impl fmt::Debug for StoreFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreFigures")
    }
}

impl prometheus_client::collector::Collector for StoreFigures {
    fn encode(
        &self,
        mut encoder: prometheus_client::encoding::DescriptorEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        let figures = &self.0;
        let counters = [
            ("commits", "Transactions committed", figures.batches),
            ("commands", "Commands that the writer answered", figures.writes),
            ("events", "Events appended", figures.events),
            ("writer_refusals", "Commands that the writer refused", figures.refusals),
            ("reads", "Reads of the database", figures.reads),
            ("read_failures", "Reads that the database failed", figures.read_failures),
            ("rollbacks", "Transactions rolled back", figures.rollbacks),
            ("checkpoints", "Checkpoints of the write-ahead log", figures.checkpoints),
            (
                "checkpoint_failures",
                "Checkpoints that did not get through",
                figures.checkpoint_failures,
            ),
            ("corrupt_rows", "Rows whose checksum was wrong", figures.rows_corrupt),
        ];
        for (name, help, value) in counters {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            metric.encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
        }
        let gauges = [
            ("wal_bytes", "The write-ahead log in use", figures.wal_bytes),
            ("database_bytes", "The database's file", figures.db_bytes),
            ("store_failed", "1 once the disk failed a write", u64::from(figures.failed)),
            (
                "store_read_only",
                "1 while the disk has no room: nothing is written, reads go on",
                u64::from(figures.read_only),
            ),
        ];
        for (name, help, value) in gauges {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            metric.encode_gauge(&value)?;
        }
        queues(&mut encoder, figures, self.1)?;
        commits(
            encoder.encode_descriptor(
                "commit",
                "From the begin of a transaction to the end of its commit",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?,
            figures,
        )
    }
}

fn queues(
    encoder: &mut prometheus_client::encoding::DescriptorEncoder<'_>,
    figures: &Statistics,
    [shards, shards_max]: [usize; 2],
) -> Result<(), fmt::Error> {
    let rows = [
        ("queue_depth", "How much waits", figures.writer_queue, figures.read_queue, shards),
        (
            "queue_limit",
            "How much may wait",
            figures.writer_queue_max,
            figures.read_queue_max,
            shards_max,
        ),
    ];
    for (name, help, writer, readers, shards) in rows {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (queue, value) in [("writer", writer), ("readers", readers), ("shards", shards as u64)]
        {
            metric.encode_family(&QueueLabel { queue })?.encode_gauge(&value)?;
        }
    }
    Ok(())
}

fn commits(mut metric: MetricEncoder<'_>, figures: &Statistics) -> Result<(), fmt::Error> {
    let bounds = COMMIT_BOUNDS_US.iter().map(|&us| us as f64 / 1e6).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(figures.commit_buckets.iter().copied()).collect();
    let sum = figures.commit_sum_us as f64 / 1e6;
    metric.encode_histogram::<NoLabelSet>(sum, figures.commit_count, &buckets, None)
}

pub(crate) async fn livez(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> &'static str {
    app.probes.note(&request, app.config.trusted_hops);
    "ok\n"
}

/// Ready to serve: not draining, and the disk has not failed. One that is full is told of, and no reason
/// to send people away: they read on, and there is no other node that could write.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let Statistics { failed, read_only, .. } = app.store.statistics();
    let why = if failed {
        "the disk failed; the process ends\n"
    } else if app.is_draining() {
        "draining\n"
    } else if read_only {
        return "read-only: the disk is full\n".into_response();
    } else {
        return "ok\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
