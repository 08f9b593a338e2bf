//! What a run says: a table to read, JSON to keep, a plot to look at.

pub(crate) mod curve;
pub(crate) mod docs;
pub(crate) mod plot;
mod style;
pub(crate) mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::figures::Figures;
use crate::machine::Machine;

/// A run that is over.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'r> {
    pub(crate) machine: &'r Machine,
    pub(crate) rounds: u32,
    #[serde(flatten)]
    pub(crate) figures: &'r Figures,
}

/// What an earlier run left there; nothing where there was none.
pub(crate) fn read(folder: &Path) -> Result<Figures> {
    let path = folder.join("report.json");
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{}", path.display())),
        Err(_) => Ok(Figures::default()),
    }
}

/// Writes all of it into a folder, and gives the table.
pub(crate) fn write(report: &Report<'_>, folder: &Path) -> Result<String> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let table = table::markdown(report);
    fs::write(folder.join("report.md"), &table)?;
    fs::write(folder.join("report.json"), serde_json::to_vec_pretty(report)?)?;
    fs::write(folder.join("report.svg"), plot::svg(report))?;
    write_growth(report, folder)?;
    Ok(table)
}

/// A plot for each thing that grows: `growth-rooms.svg` and its like.
fn write_growth(report: &Report<'_>, folder: &Path) -> Result<()> {
    for growth in curve::GROWTHS {
        if let Some(svg) = curve::svg(growth, report.figures) {
            fs::write(folder.join(format!("{}.svg", growth.name.replace('/', "-"))), svg)?;
        }
    }
    Ok(())
}

/// A number with three digits that tell something.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000.0 => format!("{:.0} k", value / 1_000.0),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
