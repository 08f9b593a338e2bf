//! `cargo xtask test`: every check there is, in order, with its time, and one line of counts at the end.
//!
//! Invariants
//! 1. What a step needs is looked for before the first step begins, so that nobody waits ten minutes to read
//!    that a package is missing.
//! 2. A step that was skipped is named with its reason. Where `CI` is set or with `--install` it is a failure, but for
//!    what no package manager offers any more ([`Skip::Unobtainable`]).
//! 3. In CI the run leaves the checkout as it was.
//! 4. The last line is `N passed, N failed`, and its second number is zero exactly when the exit code is.

mod autobahn;
mod counts;
mod deploy;
mod steps;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::command;
use counts::Counts;

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    install: bool,
    /// Empty for all.
    only: Vec<String>,
}

impl Options {
    /// Refuses what it does not know, a step that does not exist among it.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--install" => options.install = true,
                "--only" => options.only.push(step_name(arguments.next())?),
                other => bail!("test knows no `{other}`, only --install and --only STEP"),
            }
        }
        Ok(options)
    }

    fn chosen(&self) -> Vec<&'static Step> {
        let wanted =
            |step: &&Step| self.only.is_empty() || self.only.iter().any(|it| it == step.name);
        STEPS.iter().filter(wanted).collect()
    }
}

fn step_name(argument: Option<String>) -> Result<String> {
    let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
    let name = argument.with_context(|| format!("--only needs a step of {}", names.join(", ")))?;
    if !names.contains(&name.as_str()) {
        bail!("there is no step `{name}`, only {}", names.join(", "));
    }
    Ok(name)
}

/// One row of the run.
struct Step {
    name: &'static str,
    proves: &'static str,
    run: fn(&Setting) -> Result<Outcome>,
}

/// In this order: what is quick and fails often comes first.
const STEPS: &[Step] = &[
    Step { name: "tidy", proves: "the rules that no compiler knows", run: steps::tidy },
    Step { name: "fmt", proves: "the code is laid out by rustfmt", run: steps::fmt },
    Step { name: "clippy", proves: "no warning, no banned call", run: steps::clippy },
    Step { name: "doc", proves: "every link in the docs leads somewhere", run: steps::doc },
    Step { name: "deny", proves: "licences, banned crates, registries", run: steps::deny },
    Step { name: "rust", proves: "the Rust tests", run: steps::rust },
    Step { name: "otlp", proves: "traces, in a program built with them", run: steps::otlp },
    Step { name: "web", proves: "the web app's types, lints and tests", run: steps::web },
    Step { name: "build", proves: "the release binary builds", run: steps::build },
    Step {
        name: "instructions",
        proves: "a send, a delivery and a page take no more instructions than they may",
        run: steps::instructions,
    },
    Step {
        name: "autobahn",
        proves: "the WebSocket codec keeps to RFC 6455",
        run: steps::autobahn,
    },
    Step {
        name: "deploy",
        proves: "what is shipped beside the binary works: units, charts, alerts, proxies, the guide",
        run: steps::deploy,
    },
    Step { name: "browser", proves: "the journeys of people, in Chromium", run: steps::browser },
];

/// What a step may ask for.
struct Setting {
    root: PathBuf,
    /// Nobody watches: nothing may be skipped and no lock file may change.
    ci: bool,
}

enum Outcome {
    /// A check that is not made of tests.
    Passed,
    Tested(Counts),
    Skipped(Skip),
}

#[derive(Debug, PartialEq, Eq)]
enum Skip {
    /// There is something to do about it.
    Missing(String),
    /// No package offers it on this system; the reason says what covers the ground meanwhile.
    Unobtainable(String),
}

/// What came of one step.
struct Record {
    name: &'static str,
    took: Duration,
    result: Result<Outcome>,
}

/// Runs the chosen steps. The exit code is a failure if one failed, or was skipped where it may not be.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let context = Setting { root: crate::root(), ci: std::env::var_os("CI").is_some() };
    let chosen = options.chosen();
    let names: Vec<_> = chosen.iter().map(|step| step.name).collect();
    tools::ensure(&names, options.install)?;
    let strict = context.ci || options.install;
    let before = changes(&context.root)?;
    let mut records = Vec::new();
    for step in &chosen {
        let record = take(step, &context, strict);
        let failed = record.result.is_err();
        records.push(record);
        if failed {
            break;
        }
    }
    let not_run = names.get(records.len()..).unwrap_or_default();
    // Elsewhere somebody may be writing while the tests run.
    if context.ci {
        records.extend(untouched(&before, &changes(&context.root)?));
    }
    Ok(close(&records, not_run))
}

/// What git sees as changed or new. What is ignored, such as `node_modules`, is not seen.
fn changes(root: &Path) -> Result<String> {
    let mut git = command("git", root);
    let output = git.args(["-c", "safe.directory=*", "status", "--porcelain"]).output();
    Ok(String::from_utf8_lossy(&output.context("git status")?.stdout).into_owned())
}

/// A failure if the run changed the checkout: a generated file was not committed, or a tool wrote where it must not.
fn untouched(before: &str, after: &str) -> Option<Record> {
    let error = anyhow::anyhow!("the run changed the checkout:\n{after}");
    (before != after).then(|| Record { name: "checkout", took: Duration::ZERO, result: Err(error) })
}

fn take(step: &Step, context: &Setting, strict: bool) -> Record {
    println!("\n== {}: {}", step.name, step.proves);
    let start = Instant::now();
    let result = (step.run)(context).and_then(|outcome| judge(outcome, strict));
    let record = Record { name: step.name, took: start.elapsed(), result };
    println!("{}", line(&record));
    record
}

/// Turns what may not pass for a success into a failure.
fn judge(outcome: Outcome, strict: bool) -> Result<Outcome> {
    match &outcome {
        Outcome::Tested(Counts { failed: 0, passed: 0 }) => bail!("no test ran"),
        Outcome::Tested(counts) if counts.failed > 0 => Err(counts.clone().into()),
        Outcome::Skipped(Skip::Missing(why)) if strict => {
            bail!("skipped, which is a failure here: {why}")
        }
        _ => Ok(outcome),
    }
}

/// Prints what stands at the end and says how the process ends.
fn close(records: &[Record], not_run: &[&str]) -> ExitCode {
    println!("\n== the run");
    for record in records {
        println!("{}", line(record));
    }
    if !not_run.is_empty() {
        println!("not run after the failure: {}", not_run.join(", "));
    }
    let total: Duration = records.iter().map(|record| record.took).sum();
    println!("took {}", time(total));
    let counts: Counts = records.iter().map(|record| counted(&record.result)).sum();
    println!("{counts}");
    if records.iter().any(|record| record.result.is_err()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// A step that failed without counts of its own is one failure, so the last line cannot look green.
fn counted(result: &Result<Outcome>) -> Counts {
    match result {
        Ok(Outcome::Tested(counts)) => counts.clone(),
        Ok(Outcome::Passed | Outcome::Skipped(_)) => Counts::default(),
        Err(error) => match error.downcast_ref::<Counts>() {
            Some(counts) => counts.clone(),
            None => Counts { passed: 0, failed: 1 },
        },
    }
}

fn line(record: &Record) -> String {
    let outcome = match &record.result {
        Ok(Outcome::Passed) => "passed".to_owned(),
        Ok(Outcome::Tested(counts)) => counts.to_string(),
        Ok(Outcome::Skipped(Skip::Missing(why) | Skip::Unobtainable(why))) => {
            format!("SKIPPED: {why}")
        }
        Err(error) => format!("FAILED: {error:#}"),
    };
    format!("{:<12} {:>12}  {outcome}", record.name, time(record.took))
}

fn time(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// The table of steps, for the help text.
pub(crate) fn describe() -> String {
    let rows = STEPS.iter().map(|step| format!("    {:<10} {}", step.name, step.proves));
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(arguments.iter().map(|&it| it.to_owned()))
    }

    fn record(result: Result<Outcome>) -> Record {
        Record { name: "rust", took: Duration::from_millis(1234), result }
    }

    #[test]
    fn only_names_steps_that_exist_and_keeps_their_order() {
        let options =
            parse(&["--only", "rust", "--only", "tidy", "--install"]).expect("it is well formed");
        assert!(options.install);
        let names: Vec<_> = options.chosen().iter().map(|step| step.name).collect();
        assert_eq!(names, ["tidy", "rust"]);
        assert_eq!(parse(&[]).expect("nothing is fine").chosen().len(), STEPS.len());
        for bad in [&["--only"][..], &["--only", "nonsense"], &["--instal"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_skip_is_a_failure_where_nobody_watches_unless_it_cannot_be_helped() {
        let missing = || Outcome::Skipped(Skip::Missing("no web app".to_owned()));
        let unobtainable = || Outcome::Skipped(Skip::Unobtainable("no Python 2.7".to_owned()));
        assert!(judge(missing(), true).is_err());
        assert!(judge(missing(), false).is_ok());
        assert!(judge(unobtainable(), true).is_ok());
    }

    #[test]
    fn a_step_of_tests_that_ran_none_or_failed_one_fails() {
        let tested = |passed, failed| judge(Outcome::Tested(Counts { passed, failed }), false);
        assert!(tested(0, 0).is_err());
        assert!(tested(5, 1).is_err());
        assert!(tested(5, 0).is_ok());
    }

    #[test]
    fn the_closing_counts_are_never_green_after_a_failure() {
        let of = |result| counted(&result);
        assert_eq!(of(Ok(Outcome::Tested(Counts { passed: 7, failed: 0 }))).failed, 0);
        assert_eq!(of(Err(anyhow::anyhow!("clippy ended badly"))).failed, 1);
        let tests_failed = judge(Outcome::Tested(Counts { passed: 5, failed: 2 }), true);
        assert_eq!(of(tests_failed), Counts { passed: 5, failed: 2 });
    }

    #[test]
    fn a_run_that_changed_the_checkout_failed() {
        assert!(untouched("?? a\n", "?? a\n").is_none());
        let record = untouched("", " M web/package-lock.json\n").expect("it changed");
        assert_eq!(counted(&record.result).failed, 1);
    }

    #[test]
    fn a_line_says_the_step_its_time_and_its_outcome() {
        let passed = record(Ok(Outcome::Tested(Counts { passed: 7, failed: 0 })));
        assert_eq!(line(&passed), "rust                1.2 s  7 passed, 0 failed");
        let skipped = record(Ok(Outcome::Skipped(Skip::Unobtainable("no Python 2.7".to_owned()))));
        assert_eq!(line(&skipped), "rust                1.2 s  SKIPPED: no Python 2.7");
        assert_eq!(time(Duration::from_secs(125)), "2 min 05 s");
    }
}
