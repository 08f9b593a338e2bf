//! Every relative link of the docs leads to a file that is committed, and every `#heading` of a page exists.

use super::{File, Tree};

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let pages = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| of_page(tree, page)).collect()
}

fn of_page(tree: &Tree, page: &File) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in prose(&page.text) {
        for target in targets(&line) {
            if let Some(fault) = fault(tree, page, &target) {
                findings.push(format!("{}:{number}: the link `{target}` {fault}", page.path));
            }
        }
    }
    findings
}

fn fault(tree: &Tree, page: &File, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { page.path.clone() } else { resolve(&page.path, path) };
    let folder = format!("{path}/");
    if !tree.paths.iter().any(|it| *it == path || it.starts_with(&folder)) {
        return Some("leads to no file");
    }
    let linked = tree.files.iter().find(|file| file.path == path && path.ends_with(".md"))?;
    let known = heading.is_empty() || headings(&linked.text).any(|it| it == heading);
    (!known).then_some("leads to no heading of that page")
}

/// The path a link means, seen from the page; one that begins with `/` is seen from the first folder.
fn resolve(page: &str, link: &str) -> String {
    let (mut parts, link) = match link.strip_prefix('/') {
        Some(link) => (Vec::new(), link),
        None => {
            (page.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect(), link)
        }
    };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The lines outside fenced code, with their numbers.
fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// The same without `inline code`.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    outside_fences(text)
        .map(|(number, line)| (number, line.split('`').step_by(2).collect::<Vec<_>>().join("code")))
}

/// The targets of `[text](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .and_then(|(_, target)| target.split_whitespace().next());
    let plain = |target: &str| target.trim_matches(['<', '>']).to_owned();
    inline.chain(definition).map(plain).collect()
}

/// The anchors that GitHub makes of a page's headings: lower case, spaces to hyphens, punctuation gone.
fn headings(text: &str) -> impl Iterator<Item = String> {
    outside_fences(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = |it: char| match it {
            ' ' => Some('-'),
            it if it.is_alphanumeric() || it == '-' || it == '_' => Some(it),
            _ => None,
        };
        title.chars().filter_map(kept).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(page: &str, expected: &[&str]) {
        let tree = Tree::of(&[
            ("docs/page.md", page),
            ("docs/other.md", "# The first-class `walk`, told\n"),
            ("crates/core/src/lib.rs", ""),
        ]);
        assert_eq!(findings(&tree), expected);
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        check("[a](other.md) [b](../crates/core) [c](/docs/other.md \"title\")\n", &[]);
        check(
            "[a](other.md#the-first-class-walk-told) [b](https://example.org/x) [c](#here)\n\n## Here\n",
            &[],
        );
        check("```\n[a](gone.md)\n```\nand `[b](gone.md)`\n", &[]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        check("\n[a](gone.md)\n", &["docs/page.md:2: the link `gone.md` leads to no file"]);
        check(
            "[a]: ../docs/gone.md\n",
            &["docs/page.md:1: the link `../docs/gone.md` leads to no file"],
        );
        check(
            "[a](other.md#gone)\n",
            &["docs/page.md:1: the link `other.md#gone` leads to no heading of that page"],
        );
    }
}
