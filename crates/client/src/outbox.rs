//! What is unsent, in a file, so that it survives the program.
//!
//! The file is a log of lines of JSON: a command that is to be said, or the key of one that needs no more.
//! A command is on disk (fsync) before [`OutboxFile::add`] returns, so nothing is ever said that is not
//! kept; that it is done need not be, since its key makes it happen once however often it is said. A last
//! line without its end was being written when the power went: nothing of it was ever said, and it is cut
//! off. Once it has grown to more than what is open is worth, the file is written anew beside itself and
//! takes its place in one step.
//!
//! One process has it at a time, and nobody else may read it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chinwag_proto::id::Key;
use serde::{Deserialize, Serialize};

use crate::sync::{Kept, PENDING_MAX};

/// Lines that are of no use any more, beyond which the file is written anew.
const DONE_LINES_MAX: usize = 1_024;
/// Bytes of the file: what may be pending at its longest, every letter escaped, and as much again.
const FILE_BYTES_MAX: u64 = 2 * PENDING_MAX as u64 * 128 * 1_024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Say(Kept),
    Done(Key),
}

/// See the module.
#[derive(Debug)]
pub struct OutboxFile {
    path: PathBuf,
    file: File,
    open: Vec<Kept>,
    done_lines: usize,
}

impl OutboxFile {
    /// Opens the file, or makes an empty one. What another process has is an error
    /// ([`io::ErrorKind::WouldBlock`]), and so is what is no outbox ([`io::ErrorKind::InvalidData`]).
    pub fn at(path: &Path) -> io::Result<Self> {
        let mut file = private().create(true).open(path)?;
        file.try_lock().map_err(io::Error::from)?;
        if file.metadata()?.len() > FILE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole == 0 && !begins_a_line(&text) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut kept = Self { path: path.to_owned(), file, open: Vec::new(), done_lines: 0 };
        for line in text[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            kept.replay(serde_json::from_slice(line)?);
        }
        // Only now is it known for an outbox.
        if whole < text.len() {
            kept.file.set_len(whole as u64)?;
        }
        kept.file.seek(SeekFrom::Start(whole as u64))?;
        kept.sync_folder()?;
        Ok(kept)
    }

    /// What is still to be said, in order.
    pub fn open(&self) -> impl Iterator<Item = &Kept> {
        self.open.iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Keeps a command. It is on disk when this returns; with an error it may be, and must not be said.
    pub fn add(&mut self, kept: &Kept) -> io::Result<()> {
        let before = self.file.stream_position()?;
        let written = self.write(&Line::Say(kept.clone())).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line must not stand before the next.
            self.file.set_len(before)?;
            self.file.seek(SeekFrom::Start(before))?;
            return Err(error);
        }
        self.open.push(kept.clone());
        Ok(())
    }

    /// Strikes off all that is not pending any more.
    pub fn settle(&mut self, is_pending: impl Fn(Key) -> bool) {
        let (open, done): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.open).into_iter().partition(|kept| is_pending(kept.key));
        self.open = open;
        for kept in done {
            // What cannot be written is said once more after a restart, under its key.
            let _ = self.write(&Line::Done(kept.key));
            self.done_lines += 2;
        }
        if self.done_lines > DONE_LINES_MAX {
            let _ = self.renew();
        }
    }

    fn replay(&mut self, line: Line) {
        match line {
            Line::Say(kept) => self.open.push(kept),
            Line::Done(key) => {
                self.open.retain(|kept| kept.key != key);
                self.done_lines += 2;
            }
        }
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)
    }

    /// Writes what is open into a new file, which takes the place of the old one once it is on disk.
    fn renew(&mut self) -> io::Result<()> {
        let path = self.path.with_added_extension("new");
        let file = private().create(true).truncate(true).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        let mut new = Self { path, file, open: Vec::new(), done_lines: 0 };
        for kept in &self.open {
            new.write(&Line::Say(kept.clone()))?;
        }
        new.file.sync_all()?;
        std::fs::rename(&new.path, &self.path)?;
        self.file = new.file;
        self.done_lines = 0;
        self.sync_folder()
    }

    /// Has the folder know of the file after a power cut too.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match File::open(folder.unwrap_or(Path::new("."))) {
            Ok(folder) => folder.sync_all(),
            // A system that opens no folders keeps them by itself.
            Err(_) => Ok(()),
        }
    }
}

/// Whether this is what a power cut may leave of a first line. What did not reach the disk may be zeros.
fn begins_a_line(torn: &[u8]) -> bool {
    let there = torn.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let torn = &torn[..there];
    let begins = |line: &[u8]| torn.starts_with(line) || line.starts_with(torn);
    begins(br#"{"say":{"#) || begins(br#"{"done":""#)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use chinwag_proto::id::RoomId;

    use super::*;
    use crate::sync::Command;

    fn kept(number: u64) -> Kept {
        let (room, key) = (RoomId::from_i64(7), Key::new(number, u128::from(number)));
        Kept { room, key, command: Command::Message { text: format!("number {number}\n") } }
    }

    fn numbers(outbox: &OutboxFile) -> Vec<Kept> {
        outbox.open().cloned().collect()
    }

    fn in_folder(run: impl FnOnce(&Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        run(&folder.path().join("outbox"));
    }

    #[test]
    fn what_is_open_comes_back_in_order() {
        in_folder(|path| {
            let mut outbox = OutboxFile::at(path).expect("a file");
            for number in 1..=4 {
                outbox.add(&kept(number)).expect("it is kept");
            }
            outbox.settle(|key| key != kept(2).key);
            drop(outbox);
            let outbox = OutboxFile::at(path).expect("a file");
            assert_eq!(numbers(&outbox), [kept(1), kept(3), kept(4)]);
        });
    }

    #[test]
    fn nobody_else_has_it_or_reads_it() {
        in_folder(|path| {
            let outbox = OutboxFile::at(path).expect("a file");
            let second = OutboxFile::at(path).expect_err("one has it");
            assert_eq!(second.kind(), io::ErrorKind::WouldBlock);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = std::fs::metadata(path).expect("it is there").permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
            drop(outbox);
            OutboxFile::at(path).expect("nobody has it");
        });
    }

    /// Wherever the power goes in the last line, what stands before it is there and it is not.
    #[test]
    fn a_torn_last_line_is_cut_off() {
        in_folder(|path| {
            let mut outbox = OutboxFile::at(path).expect("a file");
            outbox.add(&kept(1)).expect("it is kept");
            let first = std::fs::metadata(path).expect("it is there").len();
            outbox.add(&kept(2)).expect("it is kept");
            drop(outbox);
            let whole = std::fs::read(path).expect("it is there");
            for end in first as usize..whole.len() {
                std::fs::write(path, &whole[..end]).expect("a file");
                let mut outbox = OutboxFile::at(path).expect("a file");
                assert_eq!(numbers(&outbox), [kept(1)], "cut at {end}");
                outbox.add(&kept(3)).expect("it is kept");
                drop(outbox);
                let outbox = OutboxFile::at(path).expect("a file");
                assert_eq!(numbers(&outbox), [kept(1), kept(3)], "cut at {end}");
            }
        });
    }

    #[test]
    fn what_is_no_outbox_is_left_alone() {
        in_folder(|path| {
            for text in ["Dear diary\n", "Dear diary", "Dear diary\ntoday", "\0x"] {
                std::fs::write(path, text).expect("a file");
                let error = OutboxFile::at(path).expect_err("it is none");
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                assert_eq!(std::fs::read(path).expect("it is there"), text.as_bytes());
            }
        });
    }

    /// Wherever the power goes in the first line, and where the disk has zeros for the rest of it.
    #[test]
    fn a_torn_first_line_is_cut_off() {
        in_folder(|path| {
            let mut outbox = OutboxFile::at(path).expect("a file");
            outbox.add(&kept(1)).expect("it is kept");
            drop(outbox);
            let whole = std::fs::read(path).expect("it is there");
            for end in 0..whole.len() {
                for zeros in [0, whole.len() - end] {
                    let torn = [&whole[..end], &vec![0; zeros]].concat();
                    std::fs::write(path, torn).expect("a file");
                    let outbox = OutboxFile::at(path).expect("a file");
                    assert!(outbox.is_empty(), "cut at {end}");
                }
            }
        });
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        in_folder(|path| {
            let mut outbox = OutboxFile::at(path).expect("a file");
            outbox.add(&kept(0)).expect("it is kept");
            let mut longest = 0;
            for number in 1..2_000 {
                outbox.add(&kept(number)).expect("it is kept");
                outbox.settle(|key| key == kept(0).key);
                longest = longest.max(std::fs::metadata(path).expect("it is there").len());
            }
            assert!(longest < 200 * (DONE_LINES_MAX as u64 + 10), "{longest} bytes");
            let second = OutboxFile::at(path).expect_err("the new file is locked too");
            assert_eq!(second.kind(), io::ErrorKind::WouldBlock);
            drop(outbox);
            assert_eq!(numbers(&OutboxFile::at(path).expect("a file")), [kept(0)]);
        });
    }
}
