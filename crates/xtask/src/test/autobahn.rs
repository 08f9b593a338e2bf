//! The Autobahn test suite against the server, on a route that echoes.
//!
//! The suite is a Python 2.7 program. It is installed below the target folder and touches nothing else.
//! The server is `crates/server/examples/conformance.rs`: the accept loop, sockets and codec as they are, with
//! limits wide enough for the cases of 16 MiB, which the real door refuses.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Setting;
use super::counts::Counts;
use crate::command::{self, command, run};

/// The last release of the suite that Python 2.7 runs.
const SUITE: &str = "autobahntestsuite==25.10.1";

/// Starts the suite from the folder that is its first argument. A plain `PYTHONPATH` would not do: zope is a
/// namespace that only a site's `.pth` files put together.
const START: &str = "import site, sys; site.addsitedir(sys.argv.pop(1)); \
                     from autobahntestsuite.wstest import run; run()";

/// Compression, which we do not offer.
const EXCLUDED: [&str; 2] = ["12.*", "13.*"];

/// How many cases are left. A run of fewer has skipped some.
const CASES: u64 = 301;

/// What a case may end with: `INFORMATIONAL` judges nothing. `NON-STRICT` is a failure here.
const GOOD: [&str; 2] = ["OK", "INFORMATIONAL"];

/// A Python 2.7 that has pip, on `PATH` or among pyenv's.
pub(super) fn find_python() -> Option<PathBuf> {
    let on_path = command::find("python2.7");
    on_path
        .into_iter()
        .chain(of_pyenv())
        .find(|python| command::answers(python, &["-m", "pip", "--version"]))
}

fn of_pyenv() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = std::env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    let versions = std::fs::read_dir(pyenv.join("versions")).into_iter().flatten().flatten();
    let old = versions.filter(|version| version.file_name().to_string_lossy().starts_with("2.7"));
    old.map(|version| version.path().join("bin/python2.7"))
        .filter(|python| python.is_file())
        .collect()
}

/// Builds the server, runs every case and counts them.
pub(super) fn run_cases(setting: &Setting, python: &Path) -> Result<Counts> {
    let home = setting.target().join("autobahn");
    let packages = install(&home, python)?;
    let server = Server::start(setting)?;
    let report = home.join("report");
    let specification = home.join("fuzzingclient.json");
    std::fs::write(&specification, self::specification(&server.address, &report).to_string())?;
    let log = home.join("log.txt");
    let mut suite = command(python, &home);
    run(suite
        .args(["-c", START])
        .arg(&packages)
        .args(["--mode", "fuzzingclient", "--spec"])
        .arg(&specification)
        .stdout(std::fs::File::create(&log)?))
    .with_context(|| format!("what it said is in {}", log.display()))?;
    let index = std::fs::read(report.join("index.json")).context("the suite wrote no report")?;
    let counts = judge(&serde_json::from_slice(&index)?)?;
    println!("each case: {}", report.join("index.html").display());
    Ok(counts)
}

fn install(home: &Path, python: &Path) -> Result<PathBuf> {
    let packages = home.join(SUITE.replace("==", "-"));
    // Written last, so that an installation that was broken off is begun again.
    let complete = packages.join("complete");
    if !complete.is_file() {
        std::fs::create_dir_all(&packages)?;
        let mut pip = command(python, home);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg("--upgrade").arg("--target").arg(&packages).arg(SUITE))?;
        std::fs::write(&complete, "")?;
    }
    Ok(packages)
}

fn specification(address: &str, report: &Path) -> Value {
    json!({
        "outdir": report,
        "servers": [{ "agent": "chinwag", "url": format!("ws://{address}/conformance") }],
        "cases": ["*"],
        "exclude-cases": EXCLUDED,
        "exclude-agent-cases": {},
    })
}

/// Counts the suite's index, and names each case that is not as it should be.
fn judge(index: &Value) -> Result<Counts> {
    let cases = index["chinwag"].as_object().context("the report has no cases of ours")?;
    let mut counts = Counts::default();
    for (name, case) in cases {
        let of = |field: &str| case[field].as_str().unwrap_or("absent").to_owned();
        let (behaviour, close) = (of("behavior"), of("behaviorClose"));
        if GOOD.contains(&behaviour.as_str()) && GOOD.contains(&close.as_str()) {
            counts.passed += 1;
        } else {
            println!("case {name}: {behaviour}, close {close}");
            counts.failed += 1;
        }
    }
    let ran = counts.passed + counts.failed;
    if ran != CASES {
        bail!("{ran} cases ran, not {CASES}");
    }
    Ok(counts)
}

/// The echo server; ends with its owner.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(setting: &Setting) -> Result<Self> {
        let package = ["--package", "chinwag-server", "--features", "conformance"];
        let mut build = setting.cargo(&["build", "--example", "conformance"]);
        run(build.args(package))?;
        let program = setting.target().join("debug/examples/conformance");
        let data = setting.target().join("autobahn/data");
        let mut process = setting.command(program).arg(data).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().context("no stdout")?;
        let mut server = Self { process, address: String::new() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening ");
        server.address = address.with_context(|| format!("the server says `{line}`"))?.to_owned();
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(cases: u64, odd: &Value) -> Value {
        let good = json!({ "behavior": "OK", "behaviorClose": "OK" });
        let mut all: serde_json::Map<_, _> =
            (1..cases).map(|number| (format!("1.{number}"), good.clone())).collect();
        all.insert("6.4.1".to_owned(), odd.clone());
        json!({ "chinwag": all })
    }

    #[test]
    fn a_case_that_is_not_strict_or_closes_uncleanly_has_failed() {
        let count = |odd: Value| judge(&index(CASES, &odd)).expect("all cases are there");
        let informational =
            json!({ "behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL" });
        assert_eq!(count(informational), Counts { passed: CASES, failed: 0 });
        for odd in [
            json!({ "behavior": "NON-STRICT", "behaviorClose": "OK" }),
            json!({ "behavior": "OK", "behaviorClose": "UNCLEAN" }),
            json!({ "behavior": "OK" }),
        ] {
            assert_eq!(count(odd), Counts { passed: CASES - 1, failed: 1 });
        }
    }

    #[test]
    fn a_run_that_left_cases_out_fails() {
        let good = json!({ "behavior": "OK", "behaviorClose": "OK" });
        assert!(judge(&index(CASES - 1, &good)).is_err());
        assert!(judge(&json!({})).is_err());
    }
}
