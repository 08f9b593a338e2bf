//! `cargo xtask prove`: the suites that hammer at the promises, at full size, and a line for each: what was
//! tried, how often, and what of it broke. The tests run the same in short.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command::{cargo, command, run_and_read};

/// One suite.
struct Suite {
    name: &'static str,
    proves: &'static str,
    by: By,
}

/// What runs it.
enum By {
    /// A test of the torture suite: the real program, and the checker over its ledger.
    Torture(&'static str),
    /// The simulator, over so many seeds.
    Seeds(&'static str),
    /// The simulator's own tests: the checker against what was planted.
    Planted,
    /// libFuzzer, for so many seconds a target.
    Fuzz(&'static str),
}

const SUITES: &[Suite] = &[
    Suite { name: "planted", proves: "the checker finds every planted bug", by: By::Planted },
    Suite {
        name: "forged",
        proves: "the checker finds every forged line of a real run's ledger",
        by: By::Torture("doctored::the_checker_sees_each_forgery"),
    },
    Suite {
        name: "seeds",
        proves: "hub, client and store under loss, doubling, reordering, partition and crash",
        by: By::Seeds("100000"),
    },
    Suite {
        name: "kill",
        proves: "300 times kill -9 under load",
        by: By::Torture("kill::kill_minus_nine_under_load"),
    },
    Suite {
        name: "calls",
        proves: "killed at 1,000 system calls of the start, the commit, the checkpoint, the answer",
        by: By::Torture("calls::killed_at_a_system_call"),
    },
    Suite {
        name: "errors",
        proves: "100 times a write or fsync fails: the process ends, and nothing answered is lost",
        by: By::Torture("io_error::a_failed_write_ends_the_process_and_loses_nothing"),
    },
    Suite {
        name: "full",
        proves: "100 times the disk is full and has room again",
        by: By::Torture("full::a_full_disk_is_read_from_and_has_room_again"),
    },
    Suite {
        name: "backup",
        proves: "a backup under load has all that was answered before it",
        by: By::Torture("restore::a_backup_under_load_has_all_that_was_answered_before"),
    },
    Suite {
        name: "restore",
        proves: "clients come back into a restored history with what they had not sent",
        by: By::Torture("restore::clients_come_back_into_a_restored_history"),
    },
    Suite {
        name: "cut",
        proves: "500 connections cut between the commit and the answer: a retry resolves each",
        by: By::Torture("cut::a_cut_between_commit_and_answer_is_resolved"),
    },
    Suite {
        name: "drain",
        proves: "100 restarts under load: all that was said is answered",
        by: By::Torture("drain::sigterm_drains"),
    },
    Suite {
        name: "requests",
        proves: "200 restarts under requests: each is answered or was never sent",
        by: By::Torture("drain::a_request_is_answered_or_never_sent"),
    },
    Suite {
        name: "handover",
        proves: "100 restarts on a port that stays open: nobody is refused",
        by: By::Torture("handover::a_restart_refuses_nobody"),
    },
    Suite {
        name: "move",
        proves: "10,000 clients are moved to the next server under load",
        by: By::Torture("handover::a_crowd_moves_to_the_next_server"),
    },
    Suite {
        name: "storm",
        proves: "10,000 clients are cut at once, ten times",
        by: By::Torture("storm::reconnect_storm"),
    },
    Suite {
        name: "slow",
        proves: "a reader that stops reading costs only itself",
        by: By::Torture("slow::slow_reader_costs_only_itself"),
    },
    Suite {
        name: "removal",
        proves: "who was removed hears and says nothing more",
        by: By::Torture("removal::the_removed_one_hears_and_says_nothing"),
    },
    Suite {
        name: "crowd",
        proves: "200 sign in, and the others talk on",
        by: By::Torture("crowd::a_crowd_that_signs_in"),
    },
    Suite {
        name: "descriptors",
        proves: "without descriptors those inside talk on",
        by: By::Torture("descriptors::without_descriptors_those_inside_talk_on"),
    },
    Suite {
        name: "fuzz",
        proves: "no bytes from outside break a parser, each fuzzed for five minutes",
        by: By::Fuzz("300"),
    },
];

/// Runs the suites of these names, or all; goes on after a failure.
pub(crate) fn prove(only: &[String], root: &Path) -> Result<ExitCode> {
    if let Some(unknown) = only.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name))
    {
        bail!("there is no suite `{unknown}`, only\n{}", describe());
    }
    let chosen = |suite: &&Suite| only.is_empty() || only.iter().any(|name| name == suite.name);
    let mut lines = Vec::new();
    let mut all_held = true;
    for suite in SUITES.iter().filter(chosen) {
        println!("\n== {}: {}", suite.name, suite.proves);
        let began = Instant::now();
        let (held, output) = suite.run(root)?;
        all_held &= held;
        lines.push(line(suite, began.elapsed(), held, &output));
    }
    println!("\n== proved\n{}", lines.join("\n"));
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Suite {
    fn run(&self, root: &Path) -> Result<(bool, String)> {
        let mut cargo = command(cargo(), root);
        match self.by {
            By::Torture(test) => {
                cargo.args(["test", "--release", "-p", "chinwag-testkit", "--test", "torture"]);
                cargo.args(["--", "--exact", test, "--nocapture"]).env("CHINWAG_FULL", "1");
            }
            By::Seeds(count) => {
                cargo.args(["run", "--release", "-p", "chinwag-testkit", "--example", "seeds"]);
                cargo.args(["--", "0", count]);
            }
            By::Planted => {
                cargo.args(["test", "--release", "-p", "chinwag-testkit", "--test", "simulation"]);
            }
            By::Fuzz(seconds) => {
                cargo.args(["xtask", "fuzz", "--seconds", seconds]);
            }
        }
        let (ended_well, output) = run_and_read(&mut cargo)?;
        Ok((ended_well && !self.proved_nothing(&output), output))
    }
}

impl Suite {
    /// A test that was renamed, or that the system did not let run, ends well all the same.
    fn proved_nothing(&self, output: &str) -> bool {
        let is_one = matches!(self.by, By::Torture(_));
        let is_left_out = output.lines().any(|line| line.contains("left out: "));
        is_one && (is_left_out || !output.contains("running 1 test\n"))
    }
}

/// The suite, its time, its verdict, and the last thing that it said of itself.
fn line(suite: &Suite, took: Duration, held: bool, output: &str) -> String {
    let verdict = if held { "0 violations" } else { "NOT PROVED" };
    let is_a_count = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
    let said = output.lines().rfind(is_a_count).unwrap_or(suite.proves);
    format!("{:<12} {:>5} s  {verdict}  {said}", suite.name, took.as_secs())
}

/// The table of suites, for the help text.
pub(crate) fn describe() -> String {
    let rows = SUITES.iter().map(|suite| format!("    {:<12} {}", suite.name, suite.proves));
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_tried_and_what_broke() {
        let output =
            "running 1 test\nCHINWAG_SEED=1\n9 done, 1 unknown\ntest result: ok. 1 passed\n";
        let suite = &SUITES[3];
        let held = line(suite, Duration::from_secs(65), true, output);
        assert_eq!(held, "kill            65 s  0 violations  9 done, 1 unknown");
        let broken = line(suite, Duration::ZERO, false, "");
        assert_eq!(broken, "kill             0 s  NOT PROVED  300 times kill -9 under load");
    }

    #[test]
    fn what_did_not_run_proves_nothing() {
        let suite = &SUITES[3];
        assert!(!suite.proved_nothing("running 1 test\n9 done\n"));
        assert!(suite.proved_nothing("running 0 tests\n"));
        assert!(suite.proved_nothing("running 1 test\ntest a ... left out: there is no strace\n"));
    }

    #[test]
    fn a_suite_that_does_not_exist_is_named() {
        let error = prove(&["nonsense".to_owned()], Path::new(".")).expect_err("it is none");
        assert!(error.to_string().contains("no suite `nonsense`"), "{error}");
    }
}
