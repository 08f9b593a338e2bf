//! The newest fifty of a million messages in one room, asked for over and over.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};

use super::Bench;
use crate::chinwag::Http;
use crate::histogram::Histogram;
use crate::machine::Processors;
use crate::subject::Server::{Chinwag, FloorA, Sqlite};
use crate::subject::Subject;

const PAGE: usize = 50;
/// The body of a floor's page where there is no Chinwag to take the size from.
pub(super) const PAGE_BYTES: usize = 16_000;

/// A page that is asked for, and how long its body must be.
pub(super) struct Page {
    path: String,
    token: Option<String>,
    bytes: usize,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let mut subjects = Vec::new();
    let mut bytes = PAGE_BYTES;
    // Chinwag first, so that the floor's page is as long.
    for server in bench.servers(&[Chinwag, FloorA]) {
        let subject = bench.start(server, 1)?;
        let page = page(&subject, bytes)?;
        bytes = page.bytes;
        subjects.push((subject, page));
    }
    for _ in 0..bench.rounds() {
        for (name, clients) in [("history/1-client", 1), ("history/4-clients", 4)] {
            for (subject, page) in &subjects {
                measure(bench, name, subject, page, clients)?;
            }
            if !bench.servers(&[Sqlite]).is_empty() {
                alone(bench, name)?;
            }
        }
    }
    Ok(())
}

pub(super) fn page(subject: &Subject, bytes: usize) -> Result<Page> {
    let Some(chinwag) = subject.as_chinwag() else {
        return Ok(Page { path: format!("/page?bytes={bytes}"), token: None, bytes });
    };
    let path = format!("/v1/rooms/{}/messages?limit={PAGE}", chinwag.archive);
    let token = chinwag.access_tokens.first().cloned();
    let mut http = Http::connect(subject.address)?;
    let found = http.ok("GET", &path, token.as_deref(), None)?;
    let messages = found["messages"].as_array().context("a page has messages")?;
    ensure!(messages.len() == PAGE, "a page of {}", messages.len());
    let bytes = http.call("GET", &path, token.as_deref(), None)?.body.len();
    Ok(Page { path, token, bytes })
}

pub(super) fn measure(
    bench: &mut Bench,
    name: &str,
    subject: &Subject,
    page: &Page,
    clients: usize,
) -> Result<()> {
    let (warm_up, measured) = bench.times();
    let mut times = Histogram::default();
    ask(subject, page, clients, warm_up)?;
    let (before, started) = (subject.cpu_time()?, Instant::now());
    for found in ask(subject, page, clients, measured)? {
        times.add(&found);
    }
    let (cpu, elapsed) = (subject.cpu_time()? - before, started.elapsed());
    let row = bench.figures.row(name, subject.server);
    row.add("requests_per_s", times.total() as f64 / elapsed.as_secs_f64());
    row.add("cpu_us_per_request", cpu.as_secs_f64() * 1e6 / times.total() as f64);
    row.add("request_p50_us", times.quantile_us(0.5).context("nothing was answered")?);
    row.add("request_p99_us", times.quantile_us(0.99).context("nothing was answered")?);
    row.add("bytes_per_page", page.bytes as f64);
    Ok(())
}

/// The same page out of the same database, on the server's processor, by the library alone: nobody
/// asks, nothing is encoded.
fn alone(bench: &mut Bench, name: &str) -> Result<()> {
    let (_, measured) = bench.times();
    let folder = bench.folder.path().join("alone");
    let data = bench.fixture(1)?.copy(&folder)?;
    let room = bench.fixture(1)?.archive()?.to_i64();
    let counted = |time| bench.machine.on(Processors::Server, || pages(&data, room, time))?;
    let (count, elapsed) = counted(measured)?;
    let row = bench.figures.row(name, Sqlite);
    row.add("requests_per_s", count as f64 / elapsed.as_secs_f64());
    row.add("cpu_us_per_request", elapsed.as_secs_f64() * 1e6 / count as f64);
    Ok(())
}

fn pages(data: &Path, room: i64, time: Duration) -> Result<(u64, Duration)> {
    let connection = Connection::open_with_flags(
        data.join("chinwag.db"),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let mut statement = connection.prepare(
        "SELECT room_id, seq, n, kind, subject, user_id, at_ms, key, rev, body, checksum FROM events
         WHERE room_id = ?1 AND timeline = 1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < time || count == 0 {
        let mut rows = statement.query((room, PAGE as i64))?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            found += usize::from(!row.get_ref("body")?.as_str()?.is_empty());
        }
        ensure!(found == PAGE, "a page of {found}");
        count += 1;
    }
    Ok((count, started.elapsed()))
}

/// Each client asks again as soon as it has its answer.
fn ask(subject: &Subject, page: &Page, clients: usize, time: Duration) -> Result<Vec<Histogram>> {
    let client = || -> Result<Histogram> {
        let mut http = Http::connect(subject.address)?;
        let mut times = Histogram::default();
        let until = Instant::now() + time;
        loop {
            let asked = Instant::now();
            let answer = http.call("GET", &page.path, page.token.as_deref(), None)?;
            ensure!(answer.status == 200 && answer.body.len() == page.bytes, "another page");
            times.record(asked.elapsed().as_nanos() as u64);
            if asked >= until {
                return Ok(times);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().expect("a client that panics fails the run"));
        joined.collect()
    })
}
