//! A send's time while many people sign in at once, and while nobody does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;

use super::Bench;
use crate::chinwag::{Chinwag, Http, PASSWORD};
use crate::layout::Layout;
use crate::load::{Load, Outcome, Pace};
use crate::machine::Processors;
use crate::subject::{Server, Subject};

/// Messages a second in a room of fifty: well below half load.
const PACE: Pace = Pace::Open { per_second: 200.0 };

type Loaded = (Subject, Load);

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    let (members, people) = (bench.size(50, 5), bench.size(200, 8));
    for (name, processors) in [("one-core", Processors::Server), ("all-cores", Processors::All)] {
        let name = format!("sign-in/{name}");
        if !bench.wants(&name) {
            continue;
        }
        bench.fixture(people)?;
        let subject = Subject::chinwag(bench.chinwag(processors, members)?);
        let layout = Layout::crowd(members);
        let load = subject.connect(&subject.prepare(&layout)?, &layout)?;
        let mut loaded = (subject, load);
        for _ in 0..bench.rounds() {
            round(bench, &name, &mut loaded, people)?;
        }
    }
    Ok(())
}

fn round(bench: &mut Bench, name: &str, loaded: &mut Loaded, people: usize) -> Result<()> {
    let (subject, load) = loaded;
    let quiet = subject.run(load, PACE, bench.times(), &|| true)?;
    bench.record(&format!("{name}/quiet"), subject, &quiet)?;
    let started = Instant::now();
    let (busy, signed_in) = while_signing_in(bench, loaded, people)?;
    let busy_name = format!("{name}/{people}-sign-in");
    bench.record(&busy_name, &loaded.0, &busy)?;
    let row = bench.figures.row(&busy_name, Server::Chinwag);
    row.add("signed_in", signed_in as f64);
    row.add("seconds", started.elapsed().as_secs_f64());
    for (metric, share) in [("times_quiet_p50", 0.5), ("times_quiet_p99", 0.99)] {
        let times = busy.ack.quantile_us(share).zip(quiet.ack.quantile_us(share));
        let (busy, quiet) = times.context("nothing was sent")?;
        row.add(metric, busy / quiet);
    }
    Ok(())
}

/// Everybody signs in at the same moment; it is measured until the last has an answer.
fn while_signing_in(
    bench: &Bench,
    (subject, load): &mut Loaded,
    people: usize,
) -> Result<(Outcome, usize)> {
    let chinwag = subject.as_chinwag().context("people sign in to Chinwag alone")?;
    let (left, signed_in) = (AtomicUsize::new(people), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for user in 0..people {
            let (left, signed_in) = (&left, &signed_in);
            scope.spawn(move || {
                signed_in.fetch_add(usize::from(sign_in(chinwag, user).is_ok()), Ordering::Relaxed);
                left.fetch_sub(1, Ordering::Release);
            });
        }
        let finished = || left.load(Ordering::Acquire) == 0;
        let outcome = subject.run(load, PACE, bench.times(), &finished)?;
        Ok((outcome, signed_in.load(Ordering::Relaxed)))
    })
}

fn sign_in(chinwag: &Chinwag, user: usize) -> Result<()> {
    let handle = &chinwag.users[user].handle;
    let body = json!({ "handle": handle, "password": PASSWORD });
    Http::connect(chinwag.address)?.ok("POST", "/v1/auth/login", None, Some(&body))?;
    Ok(())
}
