//! What each step does. A step says what it found missing; whether that may pass is decided in [`super`].

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::counts::Counts;
use super::{Outcome, Setting, Skip, autobahn, deploy as deployment, tools};
use crate::command::{self, command, run, run_and_read};
use crate::licences;

pub(super) fn tidy(setting: &Setting) -> Result<Outcome> {
    if crate::tidy::run(&setting.root)? != ExitCode::SUCCESS {
        bail!("see the sentences above");
    }
    Ok(Outcome::Passed)
}

pub(super) fn fmt(setting: &Setting) -> Result<Outcome> {
    run(setting.command(command::cargo()).args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

pub(super) fn clippy(setting: &Setting) -> Result<Outcome> {
    let mut clippy = setting.cargo(&["clippy", "--workspace", "--all-targets"]);
    run(clippy.args(["--", "-D", "warnings"]))?;
    Ok(Outcome::Passed)
}

/// With private items, because most of what a contributor reads is private.
pub(super) fn doc(setting: &Setting) -> Result<Outcome> {
    let mut doc = setting.cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}

/// Known vulnerabilities are not asked for here: they change from one day to the next, and a commit that was
/// green must stay green. `cargo deny check advisories` is for the release.
pub(super) fn deny(setting: &Setting) -> Result<Outcome> {
    if command::answers(command::cargo(), &["deny", "--version"]) {
        let mut deny = setting.command(command::cargo());
        run(deny.args(["deny", "--all-features", "check", "bans", "licenses", "sources"]))?;
    } else {
        println!("cargo-deny is not installed: reading deny.toml without it");
        licences::check(&setting.root)?;
    }
    Ok(Outcome::Passed)
}

/// nextest does not run the examples in the docs, so they follow on their own.
pub(super) fn rust(setting: &Setting) -> Result<Outcome> {
    let tests = if command::answers(command::cargo(), &["nextest", "--version"]) {
        let profile = if setting.ci { "ci" } else { "default" };
        let (success, output) = run_and_read(&mut setting.cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--profile",
            profile,
        ]))?;
        counted(success, Counts::of_nextest(&output))?
    } else {
        println!("cargo-nextest is not installed: cargo test instead");
        let targets = ["--lib", "--bins", "--tests"];
        let (success, output) =
            run_and_read(setting.cargo(&["test", "--workspace", "--no-fail-fast"]).args(targets))?;
        counted(success, Counts::of_libtest(&output))?
    };
    if tests.failed > 0 {
        return Ok(Outcome::Tested(tests));
    }
    let (success, output) = run_and_read(&mut setting.cargo(&["test", "--workspace", "--doc"]))?;
    let examples = counted(success, Counts::of_libtest(&output))?;
    Ok(Outcome::Tested([tests, examples].into_iter().sum()))
}

/// The feature touches three crates, so nothing else is built with it.
pub(super) fn otlp(setting: &Setting) -> Result<Outcome> {
    let packages = ["-p", "chinwag", "-p", "chinwag-server", "-p", "chinwag-store"];
    let mut clippy = setting.cargo(&["clippy", "--all-targets", "--features", "chinwag/otlp"]);
    run(clippy.args(packages).args(["--", "-D", "warnings"]))?;
    let mut tests = setting.cargo(&["test", "-p", "chinwag-server", "--features", "otlp"]);
    let (success, output) = run_and_read(tests.args(["--lib", "--test", "traces"]))?;
    Ok(Outcome::Tested(counted(success, Counts::of_libtest(&output))?))
}

pub(super) fn web(setting: &Setting) -> Result<Outcome> {
    if let Some(skip) = setting.no_web_app() {
        return Ok(Outcome::Skipped(skip));
    }
    setting.npm_packages()?;
    run(&mut setting.npm(&["run", "check"]))?;
    run(&mut setting.npm(&["run", "lint"]))?;
    let (success, output) = run_and_read(&mut setting.npm(&["test"]))?;
    Ok(Outcome::Tested(counted(success, Counts::of_vitest(&output))?))
}

pub(super) fn build(setting: &Setting) -> Result<Outcome> {
    let packages = ["--package", "chinwag", "--package", "chinwag-bench"];
    run(setting.cargo(&["build", "--release"]).args(packages))?;
    Ok(Outcome::Passed)
}

/// A figure above its allowance fails; figures of time never do.
pub(super) fn instructions(setting: &Setting) -> Result<Outcome> {
    let bench = setting.target().join("release/chinwag-bench");
    if !bench.is_file() {
        bail!("{} is missing: add --only build", bench.display());
    }
    run(setting.command(bench).args(["--only", "instructions", "--tiny", "--hold"]))?;
    Ok(Outcome::Passed)
}

pub(super) fn autobahn(setting: &Setting) -> Result<Outcome> {
    let Some(python) = autobahn::find_python() else {
        return Ok(Outcome::Skipped(Skip::Unobtainable(
            "the Autobahn suite needs Python 2.7 with pip, which is neither on PATH nor in ~/.pyenv/versions; \
             the codec's own tests, a port of its cases, stand alone today"
                .to_owned(),
        )));
    };
    Ok(Outcome::Tested(autobahn::run_cases(setting, &python)?))
}

pub(super) fn deploy(setting: &Setting) -> Result<Outcome> {
    let chinwag = setting.target().join("release/chinwag");
    if !chinwag.is_file() {
        bail!("{} is missing: add --only build", chinwag.display());
    }
    Ok(Outcome::Tested(deployment::run_tests(setting, &chinwag)?))
}

pub(super) fn browser(setting: &Setting) -> Result<Outcome> {
    if let Some(skip) = setting.no_web_app() {
        return Ok(Outcome::Skipped(skip));
    }
    let chinwag = setting.target().join("release/chinwag");
    if !chinwag.is_file() {
        bail!("{} is missing: add --only build", chinwag.display());
    }
    setting.npm_packages()?;
    let chromium = tools::chromium().context("no Chromium")?;
    let mut journeys = setting.npm(&["run", "e2e"]);
    let (success, output) =
        run_and_read(journeys.env("CHINWAG_BIN", chinwag).env("CHROMIUM", chromium))?;
    Ok(Outcome::Tested(counted(success, Counts::of_playwright(&output))?))
}

/// A runner that ends badly without a failed test has broken in another way.
fn counted(success: bool, counts: Counts) -> Result<Counts> {
    if !success && counts.failed == 0 {
        bail!("the tests did not run to their end");
    }
    Ok(counts)
}

impl Setting {
    pub(super) fn command(&self, program: impl AsRef<std::path::Path>) -> Command {
        command(program, &self.root)
    }

    /// Cargo, held to the lock file where nobody watches. There nobody builds again either, and no debugger
    /// is attached: what serves these alone is left out of the build.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = self.command(command::cargo());
        cargo.args(arguments);
        if self.ci {
            cargo.arg("--locked");
            cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "none");
        }
        cargo
    }

    fn npm(&self, arguments: &[&str]) -> Command {
        let mut npm = command("npm", &self.root.join("web"));
        npm.args(arguments);
        npm
    }

    /// Where cargo builds: `CARGO_TARGET_DIR`, or `target` in the checkout.
    pub(super) fn target(&self) -> std::path::PathBuf {
        let chosen = std::env::var_os("CARGO_TARGET_DIR").map(std::path::PathBuf::from);
        self.root.join(chosen.unwrap_or_else(|| "target".into()))
    }

    fn no_web_app(&self) -> Option<Skip> {
        let there = self.root.join("web/package.json").is_file();
        (!there).then(|| Skip::Missing("web/package.json is not there".to_owned()))
    }

    /// `npm ci`, unless `node_modules` was made from this very lock file. No package's script is run.
    fn npm_packages(&self) -> Result<()> {
        let lock = std::fs::read(self.root.join("web/package-lock.json"))
            .context("web/package-lock.json")?;
        let mark = self.root.join("web/node_modules/.installed-from.json");
        if std::fs::read(&mark).is_ok_and(|installed| installed == lock) {
            return Ok(());
        }
        run(&mut self.npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
        std::fs::write(&mark, lock).context("web/node_modules")
    }
}
