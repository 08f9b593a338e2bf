//! How fast Chinwag is, against floors measured in the same run.
//!
//! `cargo run --release -p chinwag-bench` measures every scenario in interleaved rounds and prints a
//! table; `report.json`, `report.md` and `report.svg` lie in `target/bench` then. It runs the server
//! itself: `target/release/chinwag`, or what `CHINWAG_BIN` names. With `--peers` the servers of others
//! stand beside it, and `--docs docs` writes the tables and plots of `docs/performance.md`.
//!
//! Invariants
//! - *Only ratios travel.* Every figure of the server stands beside a floor's of the same round;
//!   absolute figures belong to one machine on one day.
//! - *Each delivery is checked.* Once, in one order for all, none missing; a fault fails the run.
//! - *Nothing is left out.* Authentication, membership, history and fsync are on; a million rows lie
//!   in the database.
//!
//! Absent on purpose: a timed test. The suite runs every scenario tiny and looks at faults alone.
//!
//! Reading order: [`scenario`], [`floor`], [`load`], [`subject`], [`chinwag`], [`peer`],
//! [`figures`], [`report`].

mod chinwag;
mod figures;
mod floor;
mod histogram;
mod layout;
mod load;
mod machine;
mod peer;
mod poll;
mod process;
mod random;
mod report;
mod scenario;
mod subject;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::floor::Floor;
use crate::scenario::{Bench, Options};

/// Measures Chinwag against floors: what the kernel alone would cost.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// Be a floor, until the end of standard input.
    Floor {
        #[arg(long)]
        kind: floor::Kind,
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Bytes that every delivery carries beside the text.
        #[arg(long, default_value_t = 0)]
        envelope_bytes: usize,
        /// The file that floor C keeps its messages in.
        #[arg(long)]
        log: Option<PathBuf>,
    },
    /// Name the scenarios.
    List,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Floor { kind, listen, envelope_bytes, log }) => {
            Floor::new(kind, listen, envelope_bytes, log.as_deref())?.run()?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::List) => {
            for scenario in scenario::SCENARIOS {
                println!("{:<14} {}", scenario.name, scenario.about);
            }
            Ok(ExitCode::SUCCESS)
        }
        None => measure(arguments.options),
    }
}

fn measure(options: Options) -> Result<ExitCode> {
    let mut bench = Bench::new(options)?;
    bench.run()?;
    let Bench { mut figures, machine, options, .. } = bench;
    if options.add {
        figures.keep(report::read(&options.out)?);
    }
    let report = report::Report { figures: &figures, machine: &machine, rounds: options.rounds };
    let table = report::write(&report, &options.out)?;
    if let Some(docs) = &options.docs {
        report::docs::refresh(docs, &report)?;
    }
    println!("{table}");
    println!("table, JSON and plots: {}", options.out.display());
    let missed = options.hold && figures.misses_a_goal();
    Ok(if figures.faults() == 0 && !missed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
