//! Words that have no place: unfinished code, tests that are switched off or wait by sleeping, paths of somebody's machine.

use super::rust_text::code_only;
use super::{File, Tree};

/// Where a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// All Rust code.
    Rust,
    /// Rust that runs in tests alone: `tests/`, the testkit, and what follows `#[cfg(test)]` on a module.
    RustTests,
    /// The web app's tests and journeys.
    WebTests,
}

struct Ban {
    word: &'static str,
    place: Place,
    reason: &'static str,
}

const BANS: &[Ban] = &[
    Ban { word: "todo!", place: Place::Rust, reason: "finish it, or leave it out" },
    Ban { word: "unimplemented!", place: Place::Rust, reason: "finish it, or leave it out" },
    Ban { word: "#[ignore", place: Place::Rust, reason: "a test that does not run proves nothing" },
    Ban { word: "thread::sleep(", place: Place::Rust, reason: "wait for the event" },
    Ban { word: "sleep(", place: Place::RustTests, reason: "a test waits for the event" },
    Ban { word: "waitForTimeout(", place: Place::WebTests, reason: "a test waits for the event" },
    Ban { word: ".only(", place: Place::WebTests, reason: "it switches the other tests off" },
    Ban {
        word: ".skip(",
        place: Place::WebTests,
        reason: "a test that does not run proves nothing",
    },
    Ban {
        word: ".fixme(",
        place: Place::WebTests,
        reason: "a test that does not run proves nothing",
    },
];

/// (file, word, why it may). Never for a test.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Folders that are on somebody's machine and not in the checkout. (In two pieces, or this file would be found.)
const MACHINE_PATHS: [&str; 3] =
    [concat!("/", "root/"), concat!("/", "Users/"), concat!("/", "work/")];

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let banned = tree.files.iter().flat_map(banned_words);
    banned.chain(tree.files.iter().flat_map(machine_paths)).collect()
}

fn banned_words(file: &File) -> Vec<String> {
    let rust = file.path.ends_with(".rs");
    let places: &[Place] = match file.path.as_str() {
        _ if rust => &[Place::Rust, Place::RustTests],
        path if is_web_test(path) => &[Place::WebTests],
        _ => return Vec::new(),
    };
    let code = if rust { code_only(&file.text) } else { file.text.clone() };
    let tests_from = if rust { first_test_line(file, &code) } else { 0 };
    let mut findings = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let bans = BANS.iter().filter(|ban| {
            let in_place = ban.place != Place::RustTests || number >= tests_from;
            places.contains(&ban.place)
                && in_place
                && has_word(line, ban.word)
                && !is_excepted(file, ban, number >= tests_from)
        });
        findings.extend(bans.take(1).map(|ban| {
            format!(
                "{}:{}: `{}`: {}",
                file.path,
                number + 1,
                ban.word.trim_end_matches('('),
                ban.reason
            )
        }));
    }
    findings
}

fn is_excepted(file: &File, ban: &Ban, in_test: bool) -> bool {
    let row = EXCEPTIONS.iter().any(|(path, word, _)| *path == file.path && *word == ban.word);
    row && !in_test
}

fn is_web_test(path: &str) -> bool {
    path.starts_with("web/")
        && (path.starts_with("web/e2e/") || path.contains(".test.") || path.contains(".spec."))
}

/// The line from which on all is test code: zero in files of tests.
fn first_test_line(file: &File, code: &str) -> usize {
    let path = &file.path;
    if path.starts_with("crates/testkit/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
    {
        return 0;
    }
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let begins = |pair: &[&str]| {
        pair[0].starts_with("#[cfg(test)]") && pair[1..].iter().any(|line| opens_module(line))
    };
    lines.windows(3).position(begins).unwrap_or(usize::MAX)
}

/// Two lines are looked at below `#[cfg(test)]`, because an `#[expect(…)]` often stands between.
fn opens_module(line: &str) -> bool {
    line.starts_with("mod ") && line.ends_with('{')
}

/// Whether the line has the word and not as the end of a longer one (`asleep(`).
fn has_word(line: &str, word: &str) -> bool {
    let whole = |before: &str| {
        let glued = |it: char| it.is_alphanumeric() || it == '_';
        !word.starts_with(char::is_alphanumeric) || !before.ends_with(glued)
    };
    line.match_indices(word).any(|(place, _)| whole(&line[..place]))
}

fn machine_paths(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let starts_there = |path: &&&str| {
            let glued = |it: char| it.is_alphanumeric() || "_-./}".contains(it);
            line.match_indices(**path).any(|(place, _)| !line[..place].ends_with(glued))
        };
        let found = MACHINE_PATHS.iter().find(starts_there);
        findings.extend(found.map(|path| {
            format!("{}:{}: `{path}` is a path of somebody's machine", file.path, number + 1)
        }));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(findings(&Tree::of(&[(path, text)])), expected);
    }

    #[test]
    fn unfinished_code_is_found_and_talk_of_it_is_not() {
        check(
            "a.rs",
            "fn a() {\n    todo!()\n}\n",
            &["a.rs:2: `todo!`: finish it, or leave it out"],
        );
        check("a.rs", "// todo!\nlet a = \"todo!\";\n", &[]);
        check(
            "a.rs",
            "#[ignore = \"slow\"]\n",
            &["a.rs:1: `#[ignore`: a test that does not run proves nothing"],
        );
    }

    #[test]
    fn a_thread_that_sleeps_is_found() {
        check(
            "crates/a/src/b.rs",
            "std::thread::sleep(a);\n",
            &["crates/a/src/b.rs:1: `thread::sleep`: wait for the event"],
        );
    }

    #[test]
    fn a_timer_may_sleep_but_a_test_may_not() {
        let sleeps = "tokio::time::sleep(a).await;\n";
        check("crates/a/src/b.rs", sleeps, &[]);
        check("crates/a/src/b.rs", "is_asleep();\n#[cfg(test)]\nfn only_in_tests() {}\n", &[]);
        check(
            "crates/a/tests/b.rs",
            sleeps,
            &["crates/a/tests/b.rs:1: `sleep`: a test waits for the event"],
        );
        check("crates/a/tests/b.rs", "is_asleep();\n", &[]);
        let in_module = format!(
            "fn a() {{ b::{sleeps} }}\n#[cfg(test)]\n#[expect(c)]\nmod tests {{\n{sleeps}}}\n"
        );
        check(
            "crates/a/src/b.rs",
            &in_module,
            &["crates/a/src/b.rs:6: `sleep`: a test waits for the event"],
        );
    }

    #[test]
    fn a_journey_that_waits_or_is_switched_off_is_found() {
        check(
            "web/e2e/talk.spec.ts",
            "await page.waitForTimeout(100)\n",
            &["web/e2e/talk.spec.ts:1: `waitForTimeout`: a test waits for the event"],
        );
        check(
            "web/src/a.test.ts",
            "it.only('a')\n",
            &["web/src/a.test.ts:1: `.only`: it switches the other tests off"],
        );
    }

    #[test]
    fn a_path_of_a_machine_is_found_and_a_folder_of_ours_is_not() {
        let path = MACHINE_PATHS[0];
        check(
            "a.md",
            &format!("see {path}a\n"),
            &[format!("a.md:1: `{path}` is a path of somebody's machine").as_str()],
        );
        check("a.md", &format!("see web{path}a and ..{path}b\n"), &[]);
    }
}
