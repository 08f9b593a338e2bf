//! What a run says: a table to read, JSON to keep, a plot to look at.

pub(crate) mod plot;
pub(crate) mod table;

use anyhow::Result;
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

pub(crate) fn json(report: &Report<'_>) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(report)?)
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
