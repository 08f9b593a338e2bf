//! Holds the lock file to `deny.toml`: licences, banned crates, registries.
//!
//! `cargo deny` does this and more, and is used where it is installed. Building it takes four minutes on two cores
//! (0.20.2, measured), so a machine without it gets the same rules, out of the same file, from this page.

use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::cargo_metadata::{self, Package};

/// Fails with one sentence for each package that `deny.toml` does not let in.
pub(crate) fn check(root: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?;
    let rules = Rules::parse(&text)?;
    let packages = cargo_metadata::everything(root)?;
    let findings: Vec<_> = packages.iter().flat_map(|package| rules.findings(package)).collect();
    if !findings.is_empty() {
        bail!("deny.toml:\n  {}", findings.join("\n  "));
    }
    println!("{} packages are as deny.toml wants them", packages.len());
    Ok(())
}

struct Rules {
    licences: Vec<String>,
    /// (crate, licences that it alone may have)
    exceptions: Vec<(String, Vec<String>)>,
    /// (crate, why not)
    banned: Vec<(String, String)>,
    registries: Vec<String>,
}

impl Rules {
    fn parse(text: &str) -> Result<Self> {
        let file: Table = text.parse().context("deny.toml")?;
        let section =
            |name: &str| file.get(name).with_context(|| format!("deny.toml: no [{name}]"));
        let (licences, bans, sources) =
            (section("licenses")?, section("bans")?, section("sources")?);
        Ok(Self {
            licences: strings(licences.get("allow")),
            exceptions: rows(licences.get("exceptions"))
                .map(|row| Some((word(row, "crate")?, strings(row.get("allow")))))
                .collect::<Option<_>>()
                .context("deny.toml: an exception names a `crate`")?,
            banned: rows(bans.get("deny"))
                .map(|row| Some((word(row, "crate")?, word(row, "reason")?)))
                .collect::<Option<_>>()
                .context("deny.toml: a ban names a `crate` and its `reason`")?,
            registries: strings(sources.get("allow-registry")),
        })
    }

    fn findings(&self, package: &Package) -> Vec<String> {
        let Package { name, version, .. } = package;
        let mut findings = Vec::new();
        if let Some((_, reason)) = self.banned.iter().find(|(banned, _)| banned == name) {
            findings.push(format!("{name} {version} is banned: {reason}"));
        }
        let Some(source) = &package.source else {
            return findings;
        };
        if !self.registries.iter().any(|registry| source == &format!("registry+{registry}")) {
            findings.push(format!("{name} {version} comes from {source}, which is not allowed"));
        }
        match &package.licence {
            None => findings.push(format!("{name} {version} states no licence")),
            Some(licence) if !self.may_have(name, licence) => {
                findings.push(format!("{name} {version} has the licence `{licence}`"));
            }
            Some(_) => {}
        }
        findings
    }

    fn may_have(&self, name: &str, licence: &str) -> bool {
        let its_own = self.exceptions.iter().filter(|(excepted, _)| excepted == name);
        let allowed: Vec<&String> =
            self.licences.iter().chain(its_own.flat_map(|(_, licences)| licences)).collect();
        satisfied(licence, &|id| allowed.iter().any(|it| it.as_str() == id))
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let array = value.and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn rows(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn word(row: &Value, field: &str) -> Option<String> {
    row.get(field)?.as_str().map(str::to_owned)
}

/// Whether an SPDX expression can be met by allowed licences alone. `AND` binds before `OR` (SPDX 2.3,
/// annex D); a `/` between two names, from before cargo asked for SPDX, means `OR`.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let result = any(&mut rest, allowed);
    result && rest.is_empty()
}

fn any(words: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut result = all(words, allowed);
    while let [first, rest @ ..] = *words
        && *first == "OR"
    {
        *words = rest;
        result |= all(words, allowed);
    }
    result
}

fn all(words: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut result = one(words, allowed);
    while let [first, rest @ ..] = *words
        && *first == "AND"
    {
        *words = rest;
        result &= one(words, allowed);
    }
    result
}

fn one(words: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let result = any(words, allowed);
            let closed = words.first() == Some(&")");
            *words = words.get(1..).unwrap_or_default();
            result && closed
        }
        [id, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed(&format!("{id} WITH {exception}"))
        }
        [id, rest @ ..] => {
            *words = rest;
            allowed(id)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
        exceptions = [{ crate = "roots", allow = ["CDLA-Permissive-2.0"] }]
        [bans]
        deny = [{ crate = "openssl-sys", reason = "TLS is rustls" }]
        [sources]
        allow-registry = ["https://example.org/index"]
    "#;

    #[test]
    fn an_expression_is_met_by_allowed_licences_alone() {
        let allowed =
            |id: &str| ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].contains(&id);
        let cases = [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT AND Apache-2.0", true),
            ("(GPL-3.0-only OR MIT) AND Apache-2.0", true),
            ("(GPL-3.0-only OR MIT) AND ISC", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("(MIT", false),
            ("MIT)", false),
            ("", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn each_rule_names_the_package_that_breaks_it() {
        let rules = Rules::parse(DENY).expect("the rules are well formed");
        let found = |name: &str, licence: Option<&str>, source: &str| {
            rules.findings(&Package {
                name: name.to_owned(),
                version: "1.0.0".to_owned(),
                licence: licence.map(str::to_owned),
                source: Some(source.to_owned()),
                dependencies: Vec::new(),
            })
        };
        let public = "registry+https://example.org/index";
        assert!(found("fine", Some("MIT OR Apache-2.0"), public).is_empty());
        assert!(found("roots", Some("CDLA-Permissive-2.0"), public).is_empty());
        assert_eq!(
            found("other", Some("CDLA-Permissive-2.0"), public),
            ["other 1.0.0 has the licence `CDLA-Permissive-2.0`"]
        );
        assert_eq!(found("bare", None, public), ["bare 1.0.0 states no licence"]);
        assert_eq!(
            found("openssl-sys", Some("MIT"), public),
            ["openssl-sys 1.0.0 is banned: TLS is rustls"]
        );
        assert_eq!(
            found("fork", Some("MIT"), "git+https://example.org/fork"),
            ["fork 1.0.0 comes from git+https://example.org/fork, which is not allowed"]
        );
    }
}
