//! Migrations are `NNNN_name.sql`, numbered 1, 2, 3 … in each folder, without a hole and without a double.

use super::Tree;

const FOLDER: &str = "crates/store/migrations/";

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let mut before = ("", 0);
    for path in tree.paths.iter().filter(|path| path.starts_with(FOLDER) && path.ends_with(".sql"))
    {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let expected = if folder == before.0 { before.1 + 1 } else { 1 };
        let number = number(name).unwrap_or(0);
        if number != expected {
            findings.push(format!(
                "{path}: the next migration of its folder is {expected:04}_name.sql"
            ));
        }
        before = (folder, number);
    }
    findings
}

fn number(name: &str) -> Option<u32> {
    let (digits, rest) = name.split_once('_')?;
    (digits.len() == 4 && rest != ".sql").then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let paths: Vec<_> = names.iter().map(|name| format!("{FOLDER}{name}")).collect();
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let found = findings(&Tree::of(&files));
        assert_eq!(found.iter().map(|it| it.replace(FOLDER, "")).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_folder_counts_from_one() {
        check(&["postgres/0001_start.sql", "sqlite/0001_start.sql", "sqlite/0002_more.sql"], &[]);
    }

    #[test]
    fn a_hole_a_double_and_a_wrong_name_are_found() {
        check(
            &["sqlite/0001_start.sql", "sqlite/0003_more.sql"],
            &["sqlite/0003_more.sql: the next migration of its folder is 0002_name.sql"],
        );
        check(
            &["sqlite/0001_a.sql", "sqlite/0001_b.sql"],
            &["sqlite/0001_b.sql: the next migration of its folder is 0002_name.sql"],
        );
        check(
            &["sqlite/1_start.sql"],
            &["sqlite/1_start.sql: the next migration of its folder is 0001_name.sql"],
        );
    }
}
