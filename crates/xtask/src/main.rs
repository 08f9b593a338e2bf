//! What a contributor runs: `cargo xtask test`, `prove`, `fuzz`, `tidy` and `types`.
//!
//! Reading order: [`mod@test`] (the table of steps and the run), `test/steps.rs` (what each step does), [`prove`],
//! [`tidy`] (the rules that no compiler knows), [`licences`] (`deny.toml`, read without its tool).
//! Nothing here uses a crate of ours: what holds the house must not stand in it.

mod cargo_metadata;
mod command;
mod fuzz;
mod licences;
mod prove;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask test [--install] [--only STEP]…   every check, in order; stops at the first that fails
    --install     first installs the Debian packages that are missing (apt-get); a skip is a failure
    --only STEP   only this step; may be given more than once
cargo xtask prove [SUITE]…                    every suite that hammers at the promises, at full size
cargo xtask fuzz [TARGET]… [--seconds N]      libFuzzer at the parsers of outside bytes, 60 s each
cargo xtask tidy                              the rules of the house that no compiler knows
cargo xtask types                             writes web/src/api anew from crates/proto";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<ExitCode> {
    let mut arguments = arguments.into_iter();
    match arguments.next().as_deref() {
        Some("test") => test::run(&test::Options::parse(arguments)?),
        Some("prove") => prove::prove(&arguments.collect::<Vec<_>>(), &root()),
        Some("fuzz") => {
            println!("{}", fuzz::fuzz(&fuzz::Options::parse(arguments)?, &root())?);
            Ok(ExitCode::SUCCESS)
        }
        Some("tidy") => tidy::run(&root()),
        Some("types") => types(&root()),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}\n\nSteps of test:\n{}", test::describe());
            println!("\nSuites of prove:\n{}", prove::describe());
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("there is no `{other}`\n{USAGE}"),
        None => bail!("say what to do\n{USAGE}"),
    }
}

/// The test that holds the committed types to the wire also writes them, when it is told to.
fn types(root: &Path) -> Result<ExitCode> {
    let mut test = command::command(command::cargo(), root);
    test.args(["test", "--quiet", "--package", "chinwag-proto", "--lib", "committed_types"]);
    command::run(test.env("CHINWAG_WRITE", "1"))?;
    Ok(ExitCode::SUCCESS)
}

/// The checkout's first folder. Asked at run time, because two checkouts may share a target folder.
fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.ancestors().nth(2).map_or_else(|| PathBuf::from("."), PathBuf::from)
}
