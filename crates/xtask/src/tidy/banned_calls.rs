//! Clippy reads the nearest `clippy.toml` alone, so the core's must repeat every row of the first folder's.

use toml::{Table, Value};

use super::Tree;

const EVERYWHERE: &str = "clippy.toml";
const CORE: &str = "crates/core/clippy.toml";

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let (everywhere, core) = match (rows(tree, EVERYWHERE), rows(tree, CORE)) {
        (Ok(everywhere), Ok(core)) => (everywhere, core),
        (everywhere, core) => {
            return [everywhere.err(), core.err()].into_iter().flatten().collect();
        }
    };
    let lost = everywhere.iter().filter(|row| !core.contains(row)).map(|row| {
        let path = row.get("path").and_then(Value::as_str).unwrap_or("a row");
        format!("{CORE}: `{path}` is banned in {EVERYWHERE}: repeat the row")
    });
    let unexplained = everywhere.iter().chain(&core).filter(|row| row.get("reason").is_none());
    lost.chain(unexplained.map(|row| format!("{EVERYWHERE}: {row} has no reason"))).collect()
}

fn rows(tree: &Tree, path: &str) -> Result<Vec<Value>, String> {
    let file = tree.files.iter().find(|file| file.path == path);
    let file = file.ok_or_else(|| format!("{path} is missing"))?;
    let table: Table = file.text.parse().map_err(|error| format!("{path}: {error}"))?;
    let rows = table.get("disallowed-methods").and_then(Value::as_array);
    rows.cloned().ok_or_else(|| format!("{path} bans nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "{ path = 'a', reason = 'because' }";
    const B: &str = "{ path = 'b', reason = 'because' }";

    #[track_caller]
    fn check(everywhere: &str, core: &str, expected: &[&str]) {
        let list = |rows: &str| format!("disallowed-methods = [{rows}]");
        let tree = Tree::of(&[(EVERYWHERE, &list(everywhere)), (CORE, &list(core))]);
        assert_eq!(findings(&tree), expected);
    }

    #[test]
    fn the_core_bans_what_is_banned_everywhere() {
        check(A, &format!("{A}, {B}"), &[]);
        check(
            &format!("{A}, {B}"),
            A,
            &["crates/core/clippy.toml: `b` is banned in clippy.toml: repeat the row"],
        );
    }

    #[test]
    fn every_ban_has_a_reason_and_both_files_are_there() {
        check("'a'", "'a'", &["clippy.toml: \"a\" has no reason"; 2]);
        assert_eq!(
            findings(&Tree::of(&[])),
            ["clippy.toml is missing", "crates/core/clippy.toml is missing"]
        );
    }
}
