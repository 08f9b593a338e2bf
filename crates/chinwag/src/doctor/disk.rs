//! How long the disk takes to keep something: each tick waits for it.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chinwag_server::config::Config;

use super::folder::nearest;
use super::{Level, Report};

/// Writes that are measured at most, and for how long at most.
const WRITES_MAX: usize = 300;
const MEASURED_FOR: Duration = Duration::from_secs(4);
/// A page of the database.
const PAGE: [u8; 4096] = [0x5a; 4096];
/// Pages of the file: each is written several times, as those of the log are.
const PAGES: usize = 64;

/// No disk that keeps what it was given answers so fast.
const MEDIAN_MIN: Duration = Duration::from_micros(12);
/// From here on people see the tick come.
const MEDIAN_MAX: Duration = Duration::from_millis(20);
const P99_MAX: Duration = Duration::from_millis(200);

pub(super) fn check(config: &Config) -> Report {
    let mut report = Report::new("disk");
    match measure(&nearest(&config.data)) {
        Err(error) => report.error(
            format!("nothing can be written in {}: {error}", config.data.display()),
            "let the server's user write there, or make room",
        ),
        Ok(times) => judge(&mut report, &times),
    }
    report
}

/// How long each write took until it was kept, the shortest first. The file has no name any more when
/// the first byte is written.
fn measure(folder: &Path) -> std::io::Result<Vec<Duration>> {
    let path = folder.join(format!(".chinwag-doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    let begun = Instant::now();
    let mut times = Vec::with_capacity(WRITES_MAX);
    while times.len() < WRITES_MAX && begun.elapsed() < MEASURED_FOR {
        times.push(kept(&mut file, times.len() % PAGES)?);
    }
    times.sort_unstable();
    Ok(times)
}

fn kept(file: &mut File, page: usize) -> std::io::Result<Duration> {
    let begun = Instant::now();
    file.seek(SeekFrom::Start((page * PAGE.len()) as u64))?;
    file.write_all(&PAGE)?;
    file.sync_data()?;
    Ok(begun.elapsed())
}

fn judge(report: &mut Report, times: &[Duration]) {
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let what = format!("keeps a page in {median:.0?} (99 of 100 in {p99:.0?}, of {})", times.len());
    let (level, advice) = if median < MEDIAN_MIN {
        let advice = "no disk is so fast: it, or what is below it, says yes before it has kept \
                      anything, and a power cut takes messages that had a tick. Turn its write cache \
                      off, or take another";
        (Level::Warning, Some(advice))
    } else if median > MEDIAN_MAX || p99 > P99_MAX {
        let advice =
            "each tick waits for it: use a faster disk, or find out who else keeps it busy";
        (Level::Warning, Some(advice))
    } else {
        (Level::Ok, None)
    };
    report.add(level, what, advice.map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_measured_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let times = measure(folder.path()).expect("the folder is ours");
        assert!(!times.is_empty() && times.is_sorted());
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
        assert!(measure(Path::new("/proc")).is_err());
    }

    #[test]
    fn too_fast_and_too_slow_are_told() {
        let level = |us: [u64; 100]| {
            let mut report = Report::new("disk");
            judge(&mut report, &us.map(Duration::from_micros));
            report.findings[0].level
        };
        assert_eq!(level([300; 100]), Level::Ok);
        assert_eq!(level([5; 100]), Level::Warning);
        assert_eq!(level([30_000; 100]), Level::Warning);
        let mut sometimes = [300; 100];
        sometimes[99] = 500_000;
        assert_eq!(level(sometimes), Level::Warning);
    }
}
