//! `chinwag doctor`: looks at everything around the server that has to be right, and says of each thing
//! that is not what to do. It changes nothing, whether the server runs or not.

mod clock;
mod configuration;
mod database;
mod disk;
mod folder;
mod outside;
mod ports;
mod visit;

use anyhow::bail;
use chinwag_server::admin::{self, Act};
use chinwag_server::config::Config;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::settings::{Flags, Settings};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    area: &'static str,
    level: Level,
    what: String,
    /// What to do about it, where there is something.
    advice: Option<String>,
}

/// What one area came to.
#[derive(Debug)]
struct Report {
    area: &'static str,
    findings: Vec<Finding>,
}

impl Report {
    fn new(area: &'static str) -> Self {
        Self { area, findings: Vec::new() }
    }

    fn ok(&mut self, what: impl Into<String>) {
        self.add(Level::Ok, what.into(), None);
    }

    fn warn(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Warning, what.into(), Some(advice.into()));
    }

    fn error(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.add(Level::Error, what.into(), Some(advice.into()));
    }

    fn add(&mut self, level: Level, what: String, advice: Option<String>) {
        self.findings.push(Finding { area: self.area, level, what, advice });
    }
}

/// What is known of the server that runs on the data folder.
struct Running {
    version: String,
    /// Where it listens.
    listen: String,
}

/// Looks, prints what it found, and fails where something is wrong.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let findings = findings(&arguments.flags);
    if arguments.json {
        println!("{:#}", json!(findings));
    } else {
        print!("{}", people(&findings));
    }
    match findings.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => Ok(()),
        1 => bail!("there is one error"),
        errors => bail!("there are {errors} errors"),
    }
}

fn findings(flags: &Flags) -> Vec<Finding> {
    let mut report = Report::new("configuration");
    let Some(config) = configuration::check(&mut report, Settings::of(flags)) else {
        return report.findings;
    };
    let running = running(&config);
    let parts = [
        folder::check(&config),
        disk::check(&config),
        database::check(&config),
        clock::check(&config),
        ports::check(&config, running.as_ref()),
        outside::check(&config, running.is_some()),
    ];
    report.findings.into_iter().chain(parts.into_iter().flat_map(|it| it.findings)).collect()
}

/// The server that runs on the folder, where one does and can be asked.
fn running(config: &Config) -> Option<Running> {
    let said = admin::act_on_running(config, &Act::Statistics)?.ok()?.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some(Running { version: text(&said["version"]), listen: text(&said["listen"]) })
}

/// A line a finding, and below it what to do.
fn people(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.area.len()).max().unwrap_or_default();
    let line = |finding: &Finding| {
        let Finding { area, level, what, advice } = finding;
        let mark = match level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        let advice = advice.as_ref().map(|advice| format!("{:width$}           -> {advice}\n", ""));
        format!("{area:width$}  {mark:7}  {what}\n{}", advice.unwrap_or_default())
    };
    findings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_what_to_do_is_below_it() {
        let mut report = Report::new("disk");
        report.ok("is there");
        report.error("is full", "make room");
        let expected = "\
disk  ok       is there
disk  ERROR    is full
               -> make room
";
        assert_eq!(people(&report.findings), expected);
    }
}
