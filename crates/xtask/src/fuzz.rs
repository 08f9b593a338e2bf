//! `cargo xtask fuzz`: libFuzzer at the parsers of bytes from outside (`fuzz/`), one target after the other.
//!
//! It begins with the committed seeds (`fuzz/seeds/TARGET/`) and keeps what it finds beside them in
//! `fuzz/corpus/`, which is not committed. What breaks a parser lies in `fuzz/artifacts/TARGET/`: make it a
//! test with a name, and a seed.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command::{answers, command, run_and_read};

/// Seconds for a target where nothing is said.
const SECONDS: u64 = 60;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// These targets, or all.
    pub only: Vec<String>,
    pub seconds: u64,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self { only: Vec::new(), seconds: SECONDS };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => {
                    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok());
                    let good = seconds.filter(|&seconds| seconds > 0);
                    options.seconds = good.context("--seconds needs a number from 1")?;
                }
                flag if flag.starts_with('-') => bail!("there is no option `{flag}`"),
                target => options.only.push(target.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Fuzzes each target and says how often it was tried; the first that breaks is an error.
pub(crate) fn fuzz(options: &Options, root: &Path) -> Result<String> {
    let targets = targets(root)?;
    if let Some(unknown) = options.only.iter().find(|name| !targets.contains(*name)) {
        bail!("there is no target `{unknown}`, only {}", targets.join(", "));
    }
    ensure_tools()?;
    // What is fuzzed is what is shipped, version for version.
    std::fs::copy(root.join("Cargo.lock"), root.join("fuzz/Cargo.lock"))
        .context("the lock file")?;
    let chosen = |name: &&String| options.only.is_empty() || options.only.contains(*name);
    let (mut lines, mut total, mut count) = (Vec::new(), 0, 0);
    for target in targets.iter().filter(chosen) {
        let executions = one(target, options.seconds, root)?;
        lines.push(format!("    {target:<16} {executions:>12}"));
        total += executions;
        count += 1;
    }
    let seconds = options.seconds;
    lines.push(format!("{total} executions of {count} targets in {seconds} s each, nothing broke"));
    Ok(lines.join("\n"))
}

fn one(target: &str, seconds: u64, root: &Path) -> Result<u64> {
    let fuzz = root.join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).context("a folder for the corpus")?;
    let mut run = command("cargo", &fuzz);
    // The toolchain is named by the argument; what cargo set for us would overrule it.
    run.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    run.args(["+nightly", "fuzz", "run", "--fuzz-dir", ".", target]);
    run.arg(corpus).arg(fuzz.join("seeds").join(target)).args(["--", "-print_final_stats=1"]);
    run.args([format!("-max_total_time={seconds}"), "-max_len=4096".to_owned()]);
    run.args(["-timeout=10", "-rss_limit_mb=2048"]);
    let (ended_well, output) = run_and_read(&mut run)?;
    if !ended_well {
        bail!("{target} broke, or could not be built: see above, and fuzz/artifacts/{target}/");
    }
    executions(&output).with_context(|| format!("{target} did not say how often it ran"))
}

/// From "stat::number_of_executed_units: 1234".
fn executions(output: &str) -> Option<u64> {
    let line = output.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    line?.trim().parse().ok().filter(|&executions| executions > 0)
}

/// The files of `fuzz/targets`.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(root.join("fuzz/targets")).context("fuzz/targets")? {
        let name = file?.file_name().into_string().ok();
        names.extend(name.and_then(|name| name.strip_suffix(".rs").map(str::to_owned)));
    }
    names.sort();
    Ok(names)
}

/// Says all that is missing in one line.
fn ensure_tools() -> Result<()> {
    let mut missing = Vec::new();
    if !answers("cargo-fuzz", &["--version"]) {
        missing.push("cargo-fuzz (cargo install cargo-fuzz)");
    }
    if !answers("rustup", &["run", "nightly", "rustc", "--version"]) {
        missing.push("nightly Rust (rustup toolchain install nightly)");
    }
    if !missing.is_empty() {
        bail!("missing: {}", missing.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(arguments.iter().map(|&it| it.to_owned()))
    }

    #[test]
    fn targets_and_seconds_are_taken() {
        let options = parse(&["ids", "--seconds", "5", "texts"]).expect("good arguments");
        assert_eq!(
            (options.only, options.seconds),
            (vec!["ids".to_owned(), "texts".to_owned()], 5)
        );
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "x"], &["--fast"]] {
            parse(wrong).expect_err("it is wrong");
        }
    }

    #[test]
    fn what_did_not_run_is_no_proof() {
        let said = "Done\nstat::number_of_executed_units: 12\nstat::new_units_added: 3\n";
        assert_eq!(executions(said), Some(12));
        assert_eq!(executions("stat::number_of_executed_units: 0\n"), None);
        assert_eq!(executions(""), None);
    }

    #[test]
    fn a_target_that_does_not_exist_is_named() {
        let options = Options { only: vec!["nonsense".to_owned()], seconds: 1 };
        let error = fuzz(&options, &crate::root()).expect_err("it is none");
        assert!(error.to_string().contains("no target `nonsense`, only bodies"), "{error}");
    }
}
