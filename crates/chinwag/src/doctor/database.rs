//! The database: whether it is whole, and of which form.

use std::time::Duration;

use chinwag_server::config::Config;
use chinwag_server::doctor::{self, Examined, Whole};

use super::Report;

/// How long the database is looked at.
const LOOK: Duration = Duration::from_secs(10);
const MIB: u64 = 1024 * 1024;
/// The log is brought over from 64 MiB on; with readers in the way it may be more for a while.
const WAL_MAX: u64 = 128 * MIB;

pub(super) fn check(config: &Config) -> Report {
    let mut report = Report::new("database");
    if !doctor::has_database(&config.data) {
        report.ok("there is none yet; the first start makes it");
        return report;
    }
    match doctor::database(&config.data, LOOK) {
        Ok(examined) => judge(&mut report, &examined),
        Err(error) => report.error(
            format!("it cannot be read: {error:#}"),
            "run this as the server's user; if that is no help, copy the folder and go back to a good copy",
        ),
    }
    report
}

fn judge(report: &mut Report, examined: &Examined) {
    let Examined { form, form_known, whole, db_bytes, wal_bytes, rows, rows_corrupt, .. } =
        examined;
    if form > form_known {
        let what = format!("it has the form {form}, and this program knows up to {form_known}");
        return report.error(what, "use the program that it was used with last, or a newer one");
    }
    let shape = format!("form {form}, {} MiB", db_bytes / MIB);
    if form < form_known {
        report.ok(format!("{shape}; the next start brings it to the form {form_known}"));
    } else {
        report.ok(shape);
    }
    let back = "stop the server, copy the folder, look at the disk, and go back to a good copy";
    let within = LOOK.as_secs();
    match whole {
        Whole::Yes => report.ok("is whole"),
        Whole::No(said) => report.error(format!("is not whole: {}", said.join("; ")), back),
        Whole::Unfinished => {
            report.ok(format!("nothing wrong in {within} s, which were not enough for all of it"));
        }
    }
    if *rows_corrupt > 0 {
        let what = format!("{rows_corrupt} of {rows} rows are not as they were written");
        report.error(what, back);
    } else if *rows > 0 {
        report.ok(format!("{rows} rows of a sample are as they were written"));
    }
    if *wal_bytes > WAL_MAX {
        report.warn(
            format!("its log has grown to {} MiB", wal_bytes / MIB),
            "restart the server; see that nothing else holds the database open",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn examined() -> Examined {
        Examined {
            form: 3,
            form_known: 3,
            whole: Whole::Yes,
            db_bytes: 5 * MIB,
            wal_bytes: 0,
            rows: 10,
            rows_corrupt: 0,
            newest_at_ms: 0,
        }
    }

    fn worst(examined: &Examined) -> Option<(Level, String)> {
        let mut report = Report::new("database");
        judge(&mut report, examined);
        let bad = report.findings.into_iter().find(|finding| finding.level != Level::Ok);
        bad.map(|finding| (finding.level, finding.what))
    }

    #[test]
    fn what_is_wrong_with_a_database_is_told() {
        assert_eq!(worst(&examined()), None);
        assert_eq!(worst(&Examined { form: 2, rows: 0, ..examined() }), None);
        let error = |examined| {
            let (level, what) = worst(&examined).expect("something is wrong");
            assert_eq!(level, Level::Error);
            what
        };
        assert!(error(Examined { form: 4, ..examined() }).contains("knows up to 3"));
        let whole = Whole::No(vec!["row missing".to_owned()]);
        assert!(error(Examined { whole, ..examined() }).contains("row missing"));
        assert!(error(Examined { rows_corrupt: 2, ..examined() }).contains("2 of 10"));
        let long = worst(&Examined { wal_bytes: 2 * WAL_MAX, ..examined() });
        assert_eq!(long.map(|(level, _)| level), Some(Level::Warning));
    }
}
