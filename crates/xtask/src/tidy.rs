//! `cargo xtask tidy`: the rules of the house that no compiler knows. Also a test, so that nobody has to think of it.
//!
//! A rule is a function from the [`Tree`] to findings; a finding is a sentence that says where and what to do.

mod banned_calls;
mod links;
mod migrations;
mod registries;
mod rust_text;
mod sizes;
mod walls;
mod words;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::cargo_metadata;

/// A file of text that is, or will be, committed.
#[derive(Debug)]
struct File {
    /// From the checkout's first folder, with `/`.
    path: String,
    text: String,
}

/// Everything the rules look at.
#[derive(Debug, Default)]
struct Tree {
    /// Every path, of files that are not text too.
    paths: Vec<String>,
    files: Vec<File>,
}

/// Prints each finding and ends as they demand.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let findings = findings(root)?;
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    println!("tidy: {} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(root: &Path) -> Result<Vec<String>> {
    let tree = Tree::read(root)?;
    let mut findings = walls::findings(&cargo_metadata::members(root)?);
    for rule in [
        banned_calls::findings,
        sizes::findings,
        words::findings,
        links::findings,
        migrations::findings,
        registries::findings,
    ] {
        findings.extend(rule(&tree));
    }
    Ok(findings)
}

impl Tree {
    /// What git has and what it would add. Files that are not UTF-8 are paths alone.
    fn read(root: &Path) -> Result<Self> {
        let paths = Self::list(root)?;
        let read = |path: &String| {
            let bytes = std::fs::read(root.join(path)).ok()?;
            Some(File { path: path.clone(), text: String::from_utf8(bytes).ok()? })
        };
        let files = paths.iter().filter_map(read).collect();
        Ok(Self { paths, files })
    }

    /// In a container the checkout often belongs to another user, which git refuses unless told otherwise.
    fn list(root: &Path) -> Result<Vec<String>> {
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z"])
            .args(["--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git ls-files")?;
        if !output.status.success() {
            bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr));
        }
        let listed = String::from_utf8(output.stdout).context("a path is not UTF-8")?;
        let there = |path: &&str| !path.is_empty() && root.join(path).is_file();
        let mut paths: Vec<_> = listed.split('\0').filter(there).map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        let paths = files.iter().map(|&(path, _)| path.to_owned()).collect();
        let file =
            |&(path, text): &(&str, &str)| File { path: path.to_owned(), text: text.to_owned() };
        Self { paths, files: files.iter().map(file).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_keeps_its_own_rules() {
        let findings = findings(&crate::root()).expect("the tree is readable");
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    #[test]
    fn the_tree_is_read() {
        let tree = Tree::read(&crate::root()).expect("the tree is readable");
        assert!(tree.rust().any(|file| file.path == "crates/xtask/src/tidy.rs"));
        assert!(!tree.paths.iter().any(|path| path.starts_with("target/")));
    }
}
