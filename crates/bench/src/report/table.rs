//! The table, in Markdown: what is promised and whether it holds, then every figure.

use std::fmt::Write as _;

use super::{Report, short};
use crate::figures::{Bound, By, Figures, GOALS, Goal, Row, median};
use crate::scenario::LOAD_SHARE_MIN;
use crate::subject::Server;

pub(crate) fn markdown(report: &Report<'_>) -> String {
    let mut page = String::new();
    let machine = report.machine;
    let rounds = report.rounds;
    line(
        &mut page,
        &format!(
            "Medians of {rounds} interleaved rounds; 128-byte texts; server and load on a core each."
        ),
    );
    line(
        &mut page,
        &format!(
            "{}, {} processors, Linux {}, {}{}.",
            machine.processor,
            machine.processors,
            machine.kernel,
            machine.congestion_control,
            if machine.pinned { "" } else { ", NOT pinned: one processor alone" }
        ),
    );
    if let Some(fixture) = &report.figures.fixture {
        line(&mut page, &format!("The fixture cost: {fixture}."));
    }
    line(&mut page, "\n## Promised\n");
    goals(&mut page, report.figures);
    for name in report.figures.names() {
        phase(&mut page, report.figures, name);
    }
    faults(&mut page, report.figures);
    line(&mut page, &disturbed(report.figures));
    page
}

pub(super) fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}

/// What is promised, what was measured, and whether it holds.
pub(super) fn goals(page: &mut String, figures: &Figures) {
    line(page, "| phase | figure | goal | median | rounds | |");
    line(page, "|---|---|---|---|---|---|");
    for goal in GOALS {
        let values = goal.values(figures);
        let Some(middle) = median(values.clone()) else {
            continue;
        };
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let verdict = if goal.is_met(middle) { "met" } else { "**missed**" };
        let row = format!(
            "| {} | {} | {} | {} | {} to {} in {} | {verdict} |",
            goal.name,
            figure_name(goal),
            bound_name(goal.bound),
            short(middle),
            short(least),
            short(most),
            values.len()
        );
        line(page, &row);
    }
    let faults = figures.ours().map(|row| row.faults.total()).sum::<u64>();
    let verdict = if faults == 0 { "met" } else { "**missed**" };
    let row = format!(
        "| every phase | lost, doubled, reordered, phantom | 0 | {faults} | {} phases | {verdict} |",
        figures.ours().count()
    );
    line(page, &row);
}

/// What a goal speaks of: the metric, and what it is divided by.
pub(super) fn figure_name(goal: &Goal) -> String {
    match goal.by {
        By::One => goal.metric.to_owned(),
        By::Floor(floor) => format!("{} ÷ {}", goal.metric, floor.name()),
        By::Phase(phase) => format!("{} ÷ {phase}", goal.metric),
    }
}

pub(super) fn bound_name(bound: Bound) -> String {
    match bound {
        Bound::AtMost(bound) => format!("≤ {}", short(bound)),
        Bound::AtLeast(bound) => format!("≥ {}", short(bound)),
    }
}

/// A phase: a row for each server, then Chinwag's by each floor's.
fn phase(page: &mut String, figures: &Figures, name: &str) {
    let rows: Vec<&Row> = figures.rows.iter().filter(|row| row.name == name).collect();
    let mut metrics: Vec<&String> = rows.iter().flat_map(|row| row.values.keys()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    line(page, &format!("\n### {name}\n"));
    line(
        page,
        &format!(
            "| server | {} | faults |",
            metrics.iter().map(|metric| metric.as_str()).collect::<Vec<_>>().join(" | ")
        ),
    );
    line(page, &format!("|---{}|---|", "|---".repeat(metrics.len())));
    for row in &rows {
        let cells = metrics.iter().map(|metric| row.median(metric).map_or("–".to_owned(), short));
        write_row(page, row.server.name(), cells, &row.faults.total().to_string());
    }
    for floor in rows.iter().map(|row| row.server).filter(|&server| server != Server::Chinwag) {
        let ratio = |metric: &&String| median(figures.ratios(name, metric, (name, floor)));
        let cells: Vec<_> = metrics.iter().map(ratio).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.map_or("–".to_owned(), short));
            write_row(page, &format!("chinwag ÷ {}", floor.name()), cells, "");
        }
    }
}

fn write_row(page: &mut String, first: &str, cells: impl Iterator<Item = String>, last: &str) {
    let cells: Vec<String> = cells.collect();
    line(page, &format!("| {first} | {} | {last} |", cells.join(" | ")));
}

/// In how many phases the load did not have its core, which makes their rates and latencies too bad.
pub(super) fn disturbed(figures: &Figures) -> String {
    let shares: Vec<(&Row, f64)> =
        figures.rows.iter().filter_map(|row| Some((row, row.median("load_share")?))).collect();
    let few = shares.iter().filter(|(_, share)| *share < LOAD_SHARE_MIN);
    let named: Vec<String> =
        few.map(|(row, _)| format!("{} ({})", row.name, row.server.name())).collect();
    format!(
        "Other work took more than {:.0} % of the load's core in {} of {} rows{}{}.",
        (1.0 - LOAD_SHARE_MIN) * 100.0,
        named.len(),
        shares.len(),
        if named.is_empty() { "" } else { ": " },
        named.join(", ")
    )
}

fn faults(page: &mut String, figures: &Figures) {
    let mut all = crate::load::Faults::default();
    for row in &figures.rows {
        all += row.faults;
    }
    writeln!(
        page,
        "\nLost {}, doubled {}, reordered {}, phantom {}.",
        all.lost, all.doubled, all.reordered, all.phantom
    )
    .expect("memory takes all");
}
