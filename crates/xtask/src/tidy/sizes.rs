//! No file over 800 lines, no function over 70, but for the list, which may only get shorter.

use super::rust_text::code_only;
use super::{File, Tree};

/// Longer than this, a file is two ideas.
const FILE_LINES_MAX: usize = 800;

/// Longer than this, a function does not fit on a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// `path function lines`, one a line.
const LIST: &str = "crates/xtask/long_functions.txt";

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let in_source = |file: &&File| file.path.starts_with("crates/") && file.path.contains("/src/");
    let too_long = |file: &File| {
        let lines = file.text.lines().count();
        let path = &file.path;
        (lines > FILE_LINES_MAX).then(|| {
            format!("{path}: {lines} lines, at most {FILE_LINES_MAX}: find its second idea")
        })
    };
    let files = tree.rust().filter(in_source).filter_map(too_long);
    files.chain(ratchet(&long_functions(tree), &listed(tree))).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    path: String,
    name: String,
    lines: usize,
}

fn listed(tree: &Tree) -> Vec<Function> {
    let text =
        tree.files.iter().find(|file| file.path == LIST).map_or("", |file| file.text.as_str());
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let (path, name) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(Function { path, name, lines: words.next()?.parse().ok()? })
    };
    text.lines().filter_map(row).collect()
}

fn ratchet(found: &[Function], listed: &[Function]) -> Vec<String> {
    let same = |a: &Function, b: &Function| a.path == b.path && a.name == b.name;
    let grown = found.iter().filter_map(|function| {
        let Function { path, name, lines } = function;
        let row = listed.iter().find(|row| same(row, function));
        match row.map(|row| row.lines) {
            None => Some(format!(
                "{path}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}: split it"
            )),
            Some(before) if *lines > before => Some(format!(
                "{path}: `{name}` grew from {before} to {lines} lines, and may only shrink"
            )),
            Some(before) if *lines < before => {
                Some(format!("{path}: `{name}` shrank to {lines} lines: write that into {LIST}"))
            }
            Some(_) => None,
        }
    });
    let gone = listed.iter().filter(|row| !found.iter().any(|function| same(row, function)));
    grown
        .chain(gone.map(|row| {
            format!("{LIST}: `{}` of {} is long no more: take its line out", row.name, row.path)
        }))
        .collect()
}

fn long_functions(tree: &Tree) -> Vec<Function> {
    let long = |function: &Function| function.lines > FUNCTION_LINES_MAX;
    tree.rust().flat_map(functions).filter(long).collect()
}

/// rustfmt closes a function with a brace as far in as its first line, which is all one needs to know.
fn functions(file: &File) -> Vec<Function> {
    let code = code_only(&file.text);
    let lines: Vec<&str> = code.lines().collect();
    let function = |(first, line): (usize, &&str)| {
        let name = function_name(line)?;
        let indent = line.len() - line.trim_start().len();
        let body = &lines[first..];
        let last = body
            .iter()
            .position(|line| line.trim_end().len() == indent + 1 && line.trim() == "}")?;
        let ends_early = body[..last].iter().any(|line| {
            line.len() > indent
                && line.trim_end().ends_with(';')
                && line.len() - line.trim_start().len() <= indent
        });
        let one_line = line.trim_end().ends_with(['}', ';']);
        (!one_line && !ends_early).then(|| Function {
            path: file.path.clone(),
            name,
            lines: last + 1,
        })
    };
    lines.iter().enumerate().filter_map(function).collect()
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip_while(|word| {
        word.starts_with("pub")
            || ["const", "async", "unsafe", "extern", "crate)", "super)"].contains(word)
    });
    if words.next()? != "fn" {
        return None;
    }
    let name: String =
        words.next()?.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_function(name: &str, lines: usize) -> String {
        format!("pub(crate) async fn {name}() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[track_caller]
    fn check(path: &str, text: &str, list: &str, expected: &[&str]) {
        assert_eq!(findings(&Tree::of(&[(path, text), (LIST, list)])), expected);
    }

    #[test]
    fn a_file_of_over_800_lines_is_found() {
        check("crates/core/src/hub.rs", &"\n".repeat(800), "", &[]);
        check(
            "crates/core/src/hub.rs",
            &"\n".repeat(801),
            "",
            &["crates/core/src/hub.rs: 801 lines, at most 800: find its second idea"],
        );
    }

    #[test]
    fn a_function_of_over_70_lines_is_found() {
        check("a.rs", &long_function("fits", 70), "", &[]);
        check(
            "a.rs",
            &long_function("grows", 71),
            "",
            &["a.rs: `grows` has 71 lines, at most 70: split it"],
        );
    }

    #[test]
    fn a_method_among_declarations_is_measured_to_its_own_brace() {
        let method = long_function("handle", 71).replace('\n', "\n    ");
        let text =
            format!("trait A {{\n    fn a(\n        b: u8,\n    );\n    fn c();\n    {method}}}\n");
        check("a.rs", &text, "", &["a.rs: `handle` has 71 lines, at most 70: split it"]);
    }

    #[test]
    fn a_brace_in_a_string_ends_nothing() {
        let text = long_function("a", 71).replacen("    step();\n", "    s(\"\n}\n\");\n", 1);
        check("a.rs", &text, "", &["a.rs: `a` has 73 lines, at most 70: split it"]);
    }

    #[test]
    fn the_list_may_only_get_shorter() {
        let text = long_function("old", 80);
        check("a.rs", &text, "a.rs old 80\n", &[]);
        check(
            "a.rs",
            &text,
            "a.rs old 79\n",
            &["a.rs: `old` grew from 79 to 80 lines, and may only shrink"],
        );
        check(
            "a.rs",
            &text,
            "a.rs old 81\n",
            &["a.rs: `old` shrank to 80 lines: write that into crates/xtask/long_functions.txt"],
        );
        check(
            "a.rs",
            "",
            "a.rs old 80\n",
            &["crates/xtask/long_functions.txt: `old` of a.rs is long no more: take its line out"],
        );
    }
}
