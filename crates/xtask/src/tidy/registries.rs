//! The lock files name the public registries alone, whatever mirror the machine that wrote them was told to use.

use super::{File, Tree};

/// (lock file, how a line that names a source begins, how the source must begin). The web app's lock
/// names none: its packages are found by name and hash.
const SOURCES: [(&str, &str, Option<&str>); 2] = [
    ("Cargo.lock", "source = \"", Some("registry+https://github.com/rust-lang/crates.io-index")),
    ("package-lock.json", "\"resolved\": \"", None),
];

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    tree.files.iter().flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<String> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let Some((_, mark, public)) = SOURCES.iter().find(|(lock, ..)| *lock == name) else {
        return Vec::new();
    };
    let named = file.text.lines().enumerate().filter_map(|(index, line)| {
        let source = line.trim_start().strip_prefix(mark)?;
        let known = public.is_some_and(|public| source.starts_with(public));
        (!known).then_some((index + 1, source))
    });
    named
        .map(|(number, source)| {
            let source = source.split('"').next().unwrap_or_default();
            format!("{}:{number}: `{source}` is not of the public registry", file.path)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_or_a_fork_is_found() {
        let tree = Tree::of(&[
            (
                "Cargo.lock",
                "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                 source = \"git+https://example.org/fork\"\n",
            ),
            ("web/package-lock.json", "  \"resolved\": \"https://mirror.example.org/a.tgz\",\n"),
        ]);
        assert_eq!(
            findings(&tree),
            [
                "Cargo.lock:2: `git+https://example.org/fork` is not of the public registry",
                "web/package-lock.json:1: `https://mirror.example.org/a.tgz` is not of the public registry",
            ]
        );
    }
}
