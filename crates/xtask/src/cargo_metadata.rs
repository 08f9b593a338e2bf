//! `cargo metadata`, read down to the fields that the rules ask for.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command;

/// One package, of ours or of somebody else.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression, where the manifest has one.
    pub(crate) licence: Option<String>,
    /// Where it comes from; `None` for a folder of this workspace.
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One row of a manifest's dependency tables.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) for_tests_only: bool,
}

/// The members of the workspace alone. Asks no registry.
pub(crate) fn members(root: &Path) -> Result<Vec<Package>> {
    packages(root, &["--no-deps"])
}

/// Every package that is built for any platform, with all features. The lock file holds more: parts of others'
/// crates that nobody switches on, which `cargo metadata` lists too and only `cargo tree` tells apart.
pub(crate) fn everything(root: &Path) -> Result<Vec<Package>> {
    let arguments = ["--workspace", "--all-features", "--target", "all", "--prefix", "none"];
    let tree = output(root, "tree", &[&arguments[..], &["--format", "{p}"]].concat())?;
    let built: HashSet<_> = String::from_utf8_lossy(&tree).lines().map(name_and_version).collect();
    let is_built = |it: &Package| built.contains(&format!("{} v{}", it.name, it.version));
    Ok(packages(root, &[])?.into_iter().filter(is_built).collect())
}

/// `syn v2.0.1 (proc-macro) (*)` is `syn v2.0.1`.
fn name_and_version(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn packages(root: &Path, arguments: &[&str]) -> Result<Vec<Package>> {
    let always = ["--format-version", "1", "--all-features"];
    let metadata = output(root, "metadata", &[&always, arguments].concat())?;
    parse(&serde_json::from_slice(&metadata).context("cargo metadata")?)
}

fn output(root: &Path, subcommand: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut cargo = command::command(command::cargo(), root);
    let output = cargo.arg(subcommand).args(arguments).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cargo {subcommand}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

fn parse(metadata: &Value) -> Result<Vec<Package>> {
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> Result<Package> {
    let dependencies =
        value["dependencies"].as_array().context("a package without dependencies")?;
    Ok(Package {
        name: text(value, "name")?,
        version: text(value, "version")?,
        licence: value["license"].as_str().map(str::to_owned),
        source: value["source"].as_str().map(str::to_owned),
        dependencies: dependencies.iter().map(dependency).collect::<Result<_>>()?,
    })
}

fn dependency(value: &Value) -> Result<Dependency> {
    Ok(Dependency { name: text(value, "name")?, for_tests_only: value["kind"] == "dev" })
}

fn text(value: &Value, field: &str) -> Result<String> {
    Ok(value[field].as_str().with_context(|| format!("a package without `{field}`"))?.to_owned())
}
