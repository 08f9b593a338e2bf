//! The simulator over as many seeds as one likes, for a night or a doubt:
//! `cargo run --release -p chinwag-testkit --example seeds -- FIRST COUNT [BUG]`

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use chinwag_testkit::world::{Bug, run};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().and_then(|it| it.parse().ok()).unwrap_or(default);
    let (first, count): (u64, u64) = (number(0), number(1_000));
    let wanted = std::env::args().nth(3);
    let bug = Bug::ALL.iter().copied().find(|bug| Some(format!("{bug:?}")) == wanted);
    let mut broken: BTreeMap<String, (u64, String, u64)> = BTreeMap::new();
    let (mut happenings, mut slowest_ms, mut simulated_ms) = (0, 0, 0);
    let began = Instant::now();
    for seed in first..first + count {
        let report = run(seed, bug);
        happenings += report.happenings;
        let records = report.ledger.records();
        simulated_ms += records.last().map_or(0, |last| last.at_ms - records[0].at_ms);
        slowest_ms = slowest_ms.max(report.converged_after_ms.unwrap_or(u64::MAX));
        for violation in report.violations {
            let promise = format!("{:?}", violation.promise);
            broken.entry(promise).or_insert((seed, violation.what, 0)).2 += 1;
        }
    }
    let pace = simulated_ms / (began.elapsed().as_millis() as u64).max(1);
    for (promise, (seed, what, times)) in &broken {
        println!("{promise} {times} times, first at seed {seed}: {what}");
    }
    println!(
        "{count} seeds, {happenings} happenings, converged within {slowest_ms} ms, {pace} times as fast as \
         real time, {} promises broken",
        broken.len()
    );
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
