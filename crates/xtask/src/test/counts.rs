//! How many tests passed and failed, read from what the runners print at their end.

use std::fmt;
use std::iter::Sum;

/// The tests of a step. As an error it says that some failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Counts {
    /// cargo-nextest: `Summary [   1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
    pub(super) fn of_nextest(output: &str) -> Self {
        let summary = |line: &&str| line.trim_start().starts_with("Summary [");
        let line = output.lines().rfind(summary).unwrap_or_default();
        Self {
            passed: before(line, "passed"),
            failed: before(line, "failed")
                + before(line, "timed out")
                + before(line, "exec failed"),
        }
    }

    /// libtest, once per binary: `test result: ok. 7 passed; 0 failed; 0 ignored; …`.
    pub(super) fn of_libtest(output: &str) -> Self {
        let results = output.lines().filter(|line| line.starts_with("test result:"));
        results
            .map(|line| Self { passed: before(line, "passed"), failed: before(line, "failed") })
            .sum()
    }

    /// Vitest: `Tests  1 failed | 11 passed (12)`.
    pub(super) fn of_vitest(output: &str) -> Self {
        let total = |line: &&str| line.trim_start().starts_with("Tests ");
        let line = output.lines().rfind(total).unwrap_or_default();
        Self { passed: before(line, "passed"), failed: before(line, "failed") }
    }

    /// Playwright, a line for each outcome: `  4 passed (12.3s)`, `  1 failed`, `  1 flaky`.
    /// What passed only at the second try, or did not run, has failed.
    pub(super) fn of_playwright(output: &str) -> Self {
        let of = |outcome: &str| -> u64 {
            let lines = output.lines().map(str::trim);
            lines.filter(|line| is_count_of(line, outcome)).map(|line| before(line, outcome)).sum()
        };
        Self {
            passed: of("passed"),
            failed: of("failed") + of("flaky") + of("did not run") + of("interrupted"),
        }
    }
}

/// Whether the line is a number and the outcome, with nothing behind it but a time in brackets.
fn is_count_of(line: &str, outcome: &str) -> bool {
    let Some((number, rest)) = line.split_once(' ') else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(outcome) else {
        return false;
    };
    number.parse::<u64>().is_ok() && (rest.is_empty() || rest.starts_with(" ("))
}

/// The number in front of the first `outcome` that has one; zero where there is none.
fn before(line: &str, outcome: &str) -> u64 {
    let places = line.match_indices(outcome).map(|(place, _)| &line[..place]);
    places.filter_map(|text| text.split_whitespace().next_back()?.parse().ok()).next().unwrap_or(0)
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, it| Self {
            passed: sum.passed + it.passed,
            failed: sum.failed + it.failed,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl std::error::Error for Counts {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counts: &Counts, passed: u64, failed: u64) {
        assert_eq!(counts, &Counts { passed, failed });
    }

    #[test]
    fn nextest() {
        let of = Counts::of_nextest;
        check(&of("     Summary [   0.018s] 7 tests run: 7 passed, 0 skipped\n"), 7, 0);
        check(
            &of(
                "     Summary [  60.1s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped\n",
            ),
            6,
            3,
        );
        check(&of("error: no tests to run\n"), 0, 0);
    }

    #[test]
    fn libtest_adds_up_its_binaries() {
        let output = "test result: ok. 3 passed; 0 failed; 0 ignored\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        check(&Counts::of_libtest(output), 4, 2);
    }

    #[test]
    fn vitest_counts_tests_and_not_files() {
        let output =
            " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 11 passed (12)\n";
        check(&Counts::of_vitest(output), 11, 1);
        check(
            &Counts::of_vitest(" Test Files  2 passed (2)\n      Tests  12 passed (12)\n"),
            12,
            0,
        );
    }

    #[test]
    fn playwright_takes_a_flake_for_a_failure() {
        check(&Counts::of_playwright("  4 passed (12.3s)\n"), 4, 0);
        check(
            &Counts::of_playwright(
                "  1 failed\n    a.spec.ts › 3 passed over\n  1 flaky\n  2 did not run\n  4 passed (1m)\n",
            ),
            4,
            4,
        );
    }
}
