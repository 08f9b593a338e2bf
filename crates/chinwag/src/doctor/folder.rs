//! The data folder: whose it is, who looks in, what it lies on, and how much room there is.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use chinwag_server::config::Config;
use rustix::fs::{statfs, statvfs};

use super::{Level, Report};

const MIB: u64 = 1024 * 1024;
/// The write-ahead log alone takes up to 64 MiB.
const FREE_MIN: u64 = 200 * MIB;
/// Below it one has some days at most.
const FREE_FEW: u64 = 1024 * MIB;

pub(super) fn check(config: &Config) -> Report {
    let mut report = Report::new("folder");
    let folder = &config.data;
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => owner(&mut report, folder, &found),
        Ok(_) => report.error(format!("{} is no folder", folder.display()), "name one with --data"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.ok(format!("{} is not there yet; the first start makes it", folder.display()));
        }
        Err(error) => {
            let advice = "run this as the server's user";
            report.error(format!("{} cannot be seen: {error}", folder.display()), advice);
        }
    }
    let place = nearest(folder);
    room(&mut report, &place);
    kind(&mut report, &place);
    report
}

/// The folder, or the one in which it would be made.
pub(super) fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|it| it.is_dir()).filter(|it| !it.as_os_str().is_empty());
    there.unwrap_or(Path::new(".")).to_owned()
}

fn owner(report: &mut Report, folder: &Path, found: &std::fs::Metadata) {
    let (me, shown) = (rustix::process::geteuid().as_raw(), folder.display());
    if found.uid() != me && me != 0 {
        let advice = format!("run this, and the server, as that user, or chown -R it to user {me}");
        report.error(format!("{shown} belongs to user {}, and this is {me}", found.uid()), advice);
    }
    let open = ["", "chinwag.db", "chinwag.db-wal", "chinwag.db-shm"].iter().find(|name| {
        std::fs::metadata(folder.join(name)).is_ok_and(|file| file.mode() & 0o077 != 0)
    });
    match open {
        Some(&"") => report.warn(
            format!("others on this machine can look into {shown}"),
            format!("chmod 700 {shown}: the keys that sign people in are in it"),
        ),
        Some(name) => report.warn(
            format!("others on this machine can read {name} in {shown}"),
            "start the server, which takes it away from them; the keys that sign people in are in it",
        ),
        None => report.ok(format!("{shown} is for its user alone")),
    }
}

fn room(report: &mut Report, place: &Path) {
    let Ok(found) = statvfs(place) else {
        return report.warn("how much room there is cannot be told", "look with `df`");
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let what = format!("{} MiB are free", free / MIB);
    let advice = "make room, or move the folder: a full disk refuses what people write";
    match free {
        ..FREE_MIN => report.error(what, advice),
        FREE_MIN..FREE_FEW => report.warn(what, advice),
        _ => report.ok(what),
    }
    if found.f_files > 0 && found.f_favail == 0 {
        report.error("the file system has no place for another file (inodes)", advice);
    }
}

/// What a kind of file system means for the database, by the number that the system gives
/// (`statfs(2)`).
fn meaning(magic: u64) -> (&'static str, Level, &'static str) {
    const LOCAL: &str = "";
    const NETWORK: &str = "use a local disk: over a network locks and shared memory do not hold";
    const MEMORY: &str = "use a disk: this is gone with the machine's next start";
    const CONTAINER: &str = "mount a volume there: this goes with the container";
    const OTHER: &str = "use a local disk, unless you know that this one keeps what it was given";
    match magic {
        0xef53 => ("ext4", Level::Ok, LOCAL),
        0x5846_5342 => ("xfs", Level::Ok, LOCAL),
        0x9123_683e => ("btrfs", Level::Ok, LOCAL),
        0x2fc1_2fc1 => ("zfs", Level::Ok, LOCAL),
        0xf2f5_2010 => ("f2fs", Level::Ok, LOCAL),
        0x6969 => ("nfs", Level::Error, NETWORK),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => ("smb", Level::Error, NETWORK),
        0x5346_414f => ("afs", Level::Error, NETWORK),
        0x00c3_6400 => ("ceph", Level::Error, NETWORK),
        0x0102_1997 => ("9p", Level::Error, NETWORK),
        0x6573_5546 => ("fuse", Level::Warning, OTHER),
        0x0102_1994 => ("tmpfs", Level::Warning, MEMORY),
        0x8584_58f6 => ("ramfs", Level::Warning, MEMORY),
        0x794c_7630 => ("overlayfs", Level::Warning, CONTAINER),
        _ => ("unknown", Level::Ok, LOCAL),
    }
}

fn kind(report: &mut Report, place: &Path) {
    let Ok(found) = statfs(place) else {
        return report.warn("the kind of the file system cannot be told", "look with `df -T`");
    };
    // The number is 32 bits wide, however the system's own type is.
    let magic = found.f_type as u64 & 0xffff_ffff;
    let (name, level, advice) = meaning(magic);
    let what = match name {
        "unknown" => format!("the file system is of the kind {magic:#x}"),
        name => format!("the file system is {name}"),
    };
    report.add(level, what, (level != Level::Ok).then(|| advice.to_owned()));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_lies_where_it_will_be_made() {
        let outer = tempfile::tempdir().expect("a folder of its own");
        assert_eq!(nearest(&outer.path().join("a/b")), outer.path());
        assert_eq!(nearest(Path::new("chinwag-data-of-nobody")), Path::new("."));
    }

    #[test]
    fn who_else_looks_in_is_found() {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let path = folder.path();
        let level = |folder_mode, file_mode| {
            let set = |path: &Path, mode| {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
                    .expect("it is ours");
            };
            std::fs::write(path.join("chinwag.db"), "").expect("it is ours");
            set(&path.join("chinwag.db"), file_mode);
            set(path, folder_mode);
            let mut report = Report::new("folder");
            owner(&mut report, path, &std::fs::metadata(path).expect("it is there"));
            report.findings.pop().map(|finding| finding.level)
        };
        assert_eq!(level(0o700, 0o600), Some(Level::Ok));
        assert_eq!(level(0o755, 0o600), Some(Level::Warning));
        assert_eq!(level(0o700, 0o644), Some(Level::Warning));
    }

    #[test]
    fn a_network_is_no_place_and_memory_forgets() {
        assert_eq!(meaning(0x6969).1, Level::Error);
        assert_eq!(meaning(0x0102_1994).0, "tmpfs");
        assert_eq!(meaning(0xef53).1, Level::Ok);
        assert_eq!(meaning(1), ("unknown", Level::Ok, ""));
    }
}
