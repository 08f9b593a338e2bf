//! Every parser of outside bytes keeps its promises, over its seeds and over seeds gone wrong; and each has
//! its fuzz target.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chinwag_testkit::parsers::{PARSERS, Parser, hold_over};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

/// One whose cases go through files is given fewer.
fn cases(parser: &Parser) -> u64 {
    if parser.name == "outbox_file" { 1_000 } else { 10_000 }
}

#[test]
fn no_bytes_break_a_parser() {
    let breaks = |parser: &Parser| hold_over(*parser, &folder("seeds"), cases(parser)).err();
    let broken: Vec<String> = PARSERS.iter().filter_map(breaks).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Those of the server's own have their rows in its `parsers.rs`; the target names the function.
#[test]
fn every_parser_has_its_fuzz_target_and_seeds() {
    let names = |of: &str, end: &str| -> BTreeSet<String> {
        let files = std::fs::read_dir(folder(of)).expect("a folder");
        let names = files.map(|file| file.expect("a file").file_name().into_string());
        names.map(|name| name.expect("ASCII").trim_end_matches(end).to_owned()).collect()
    };
    let targets = names("targets", ".rs");
    assert_eq!(targets, names("seeds", ""));
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    for target in &targets {
        assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
    }
    for parser in PARSERS {
        assert!(targets.contains(parser.name), "{} has no target", parser.name);
    }
}
