//! The clock: messages carry its time, and sessions end by it.

use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag_server::config::Config;
use chinwag_server::doctor;

use super::Report;

/// How long the system may take to say whether its clock is synchronised.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is left to a look at the database, of which only the newest time is wanted.
const LOOK: Duration = Duration::ZERO;
/// By so much the log may be ahead.
const AHEAD_MAX_S: u64 = 60;

pub(super) fn check(config: &Config) -> Report {
    let mut report = Report::new("clock");
    match is_synchronised() {
        Some(true) => report.ok("is synchronised"),
        Some(false) => {
            report.warn("is not synchronised", "timedatectl set-ntp true, or run chrony");
        }
        None => report.ok("whether it is synchronised cannot be told here: the host knows"),
    }
    if doctor::has_database(&config.data)
        && let Ok(examined) = doctor::database(&config.data, LOOK)
    {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        compare(&mut report, now, examined.newest_at_ms / 1_000);
    }
    report
}

/// What systemd says, where it is asked.
fn is_synchronised() -> Option<bool> {
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]).stderr(Stdio::null());
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || sender.send(command.output()));
    let output = receiver.recv_timeout(PATIENCE).ok()?.ok()?;
    match output.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

/// A room's times never go back: what is kept already tells of a clock that was ahead, or is behind.
fn compare(report: &mut Report, now_s: u64, newest_s: u64) {
    if newest_s <= now_s + AHEAD_MAX_S {
        return report.ok("is not behind what is in the database");
    }
    report.warn(
        format!("is {} s behind the newest in the database", newest_s - now_s),
        "set it right; messages get the time of the newest until it has come there",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_clock_that_went_back_is_found() {
        let level = |now_s, newest_s| {
            let mut report = Report::new("clock");
            compare(&mut report, now_s, newest_s);
            report.findings[0].level
        };
        assert_eq!((level(1_000, 0), level(1_000, 1_060)), (Level::Ok, Level::Ok));
        assert_eq!(level(1_000, 1_061), Level::Warning);
    }
}
