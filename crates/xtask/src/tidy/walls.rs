//! Who may use whom: `ARCHITECTURE.md`, "The house", held to the manifests.
//!
//! A new arrow fails here, and then it is a decision that a reviewer sees, not an accident.

use crate::cargo_metadata::{Dependency, Package};

/// A crate and those of ours that it may use. A crate without a row fails.
const MAY_USE: &[(&str, &[&str])] = &[
    ("chinwag", &["chinwag-server", "chinwag-client"]),
    ("chinwag-server", &["chinwag-store", "chinwag-core", "chinwag-proto", "chinwag-assets"]),
    ("chinwag-store", &["chinwag-core"]),
    ("chinwag-client", &["chinwag-proto"]),
    ("chinwag-proto", &["chinwag-core"]),
    ("chinwag-core", &[]),
    ("chinwag-assets", &[]),
    ("chinwag-bench", &["chinwag-client", "chinwag-proto", "chinwag-core"]),
    (
        TESTKIT,
        &["chinwag-server", "chinwag-store", "chinwag-client", "chinwag-proto", "chinwag-core"],
    ),
    ("xtask", &[]),
];

/// Anybody's tests may use it, and nobody's code.
const TESTKIT: &str = "chinwag-testkit";

/// A crate of somebody else's, those of ours that keep it to themselves, and why. Tests are free.
const KEPT_TO: &[(&str, &[&str], &str)] = &[
    (
        "rusqlite",
        &["chinwag-store", "chinwag-bench", TESTKIT],
        "only the store knows SQL; the bench asks what SQLite takes alone",
    ),
    ("axum", &["chinwag-server"], "only the server has doors"),
];

/// What a crate must do without, tests apart, and why.
const NEVER: &[(&str, &[&str], &str)] = &[
    ("chinwag-core", &["tokio", "socket2", "rustix"], "the core does no I/O and waits for nothing"),
    (
        "chinwag-core",
        &["getrandom", "rand", "fastrand"],
        "randomness comes into the core as an argument",
    ),
    (
        "chinwag-proto",
        &["tokio", "socket2", "rustix"],
        "the wire is a matter of bytes; its drivers do the I/O",
    ),
    (
        "chinwag-proto",
        &["getrandom", "rand", "fastrand"],
        "a mask key comes into the codec as an argument",
    ),
];

pub(super) fn findings(members: &[Package]) -> Vec<String> {
    members.iter().flat_map(of_member).collect()
}

fn of_member(member: &Package) -> Vec<String> {
    let name = member.name.as_str();
    let Some((_, may_use)) = MAY_USE.iter().find(|(of, _)| *of == name) else {
        return vec![format!(
            "{name} has no row in MAY_USE (crates/xtask/src/tidy/walls.rs): say whom it may use"
        )];
    };
    member.dependencies.iter().flat_map(|dependency| of_arrow(name, may_use, dependency)).collect()
}

fn of_arrow(name: &str, may_use: &[&str], dependency: &Dependency) -> Vec<String> {
    let used = dependency.name.as_str();
    if MAY_USE.iter().any(|(ours, _)| *ours == used) {
        let allowed = may_use.contains(&used) || dependency.for_tests_only && used == TESTKIT;
        return if allowed { Vec::new() } else { vec![forbidden(name, may_use, used)] };
    }
    if dependency.for_tests_only {
        return Vec::new();
    }
    let kept = KEPT_TO
        .iter()
        .filter(|(theirs, keepers, _)| *theirs == used && !keepers.contains(&name))
        .map(|(_, keepers, why)| {
            format!("{name} uses {used}, which is kept to {}: {why}", keepers.join(" and "))
        });
    let never = NEVER
        .iter()
        .filter(|(ours, theirs, _)| *ours == name && theirs.contains(&used))
        .map(|(_, _, why)| format!("{name} uses {used}: {why}"));
    kept.chain(never).collect()
}

fn forbidden(name: &str, may_use: &[&str], used: &str) -> String {
    match (used, may_use) {
        (TESTKIT, _) => format!("{name} uses {TESTKIT} outside its tests"),
        (_, []) => format!("{name} uses {used}, and may use nothing of ours"),
        (_, may_use) => format!("{name} uses {used}, and may use only {}", may_use.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, uses: &[(&str, bool)]) -> Package {
        Package {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            licence: None,
            source: None,
            dependencies: uses
                .iter()
                .map(|&(name, for_tests_only)| Dependency { name: name.to_owned(), for_tests_only })
                .collect(),
        }
    }

    #[track_caller]
    fn check(name: &str, uses: &str, for_tests_only: bool, expected: &[&str]) {
        assert_eq!(findings(&[member(name, &[(uses, for_tests_only)])]), expected);
    }

    #[test]
    fn an_arrow_of_the_design_is_free() {
        check("chinwag-server", "chinwag-store", false, &[]);
        check("chinwag-proto", "chinwag-core", false, &[]);
        check("chinwag-core", "chinwag-testkit", true, &[]);
        check("chinwag-core", "proptest", true, &[]);
    }

    #[test]
    fn any_other_arrow_fails_with_a_sentence() {
        check(
            "chinwag-store",
            "chinwag-proto",
            false,
            &["chinwag-store uses chinwag-proto, and may use only chinwag-core"],
        );
        check(
            "chinwag-core",
            "chinwag-proto",
            true,
            &["chinwag-core uses chinwag-proto, and may use nothing of ours"],
        );
        check(
            "chinwag-server",
            "chinwag-testkit",
            false,
            &["chinwag-server uses chinwag-testkit outside its tests"],
        );
    }

    #[test]
    fn a_crate_without_a_row_fails() {
        let findings = findings(&[member("chinwag-extra", &[])]);
        assert!(findings[0].starts_with("chinwag-extra has no row"), "{findings:?}");
    }

    #[test]
    fn crates_of_others_keep_to_their_side() {
        check(
            "chinwag-core",
            "tokio",
            false,
            &["chinwag-core uses tokio: the core does no I/O and waits for nothing"],
        );
        check("chinwag-core", "tokio", true, &[]);
        check(
            "chinwag-server",
            "rusqlite",
            false,
            &[
                "chinwag-server uses rusqlite, which is kept to chinwag-store and chinwag-bench and chinwag-testkit: only the store knows SQL; the bench asks what SQLite takes alone",
            ],
        );
    }
}
