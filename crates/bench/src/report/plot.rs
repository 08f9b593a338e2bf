//! The plot: how far each promised figure is from its bound, on one scale.
//!
//! A bar is the median by the bound, turned so that up to 1 is met whichever way the bound points;
//! the thin line is where the rounds lay.

use super::style::{begin, line, push, words};
use super::table::{bound_name, figure_name};
use super::{Report, short};
use crate::figures::{Bound, GOALS, Goal, median};

const LEFT: f64 = 430.0;
const WIDTH: f64 = 420.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 60.0;
const ROW: f64 = 24.0;
/// The scale's end; what is beyond is cut off there.
const SCALE_MAX: f64 = 2.0;

pub(crate) fn svg(report: &Report<'_>) -> String {
    let measured: Vec<(&Goal, Vec<f64>)> = GOALS
        .iter()
        .map(|goal| (goal, goal.values(report.figures)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + ROW * (measured.len() as f64 + 1.5));
    let mut svg = begin(width, height);
    let title = "Chinwag's figures by their bounds: up to 1 is met";
    words(&mut svg, r#"font-size="16""#, (16.0, 24.0), title);
    let about = format!("medians; the thin line spans the rounds; {}", report.machine.processor);
    words(&mut svg, r#"class="faint""#, (16.0, 42.0), &about);
    for (at, (goal, values)) in measured.iter().enumerate() {
        bar(&mut svg, goal, values, TOP + ROW * (at as f64 + 0.5));
    }
    let (x, bottom) = (place(1.0), height - ROW);
    line(&mut svg, "bound", (x, TOP), (x, bottom));
    words(&mut svg, r#"text-anchor="middle""#, (x, bottom + 14.0), "bound");
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, goal: &Goal, values: &[f64], y: f64) {
    let Some(middle) = median(values.to_vec()) else {
        return;
    };
    let shares: Vec<f64> = values.iter().map(|&value| share(goal, value)).collect();
    let least = place(shares.iter().copied().fold(f64::INFINITY, f64::min));
    let most = place(shares.iter().copied().fold(0.0, f64::max));
    let (end, colour) =
        (place(share(goal, middle)), if goal.is_met(middle) { "good" } else { "bad" });
    let (figure, bound) = (figure_name(goal), bound_name(goal.bound));
    let label = format!("{} · {figure} {bound}", goal.name);
    let (text, centre) = (y + ROW * 0.65, y + ROW * 0.45);
    words(svg, r#"text-anchor="end" font-size="9.5""#, (LEFT - 8.0, text), &label);
    let (top, width, height) = (y + ROW * 0.15, end - LEFT, ROW * 0.6);
    push(
        svg,
        &format!(
            r#"<rect class="{colour}" x="{LEFT}" y="{top:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ),
    );
    line(svg, "axis", (least, centre), (most, centre));
    words(svg, "", (LEFT + WIDTH + 8.0, text), &short(middle));
}

/// A value by its bound, so that up to 1 is met.
fn share(goal: &Goal, value: f64) -> f64 {
    match goal.bound {
        Bound::AtMost(bound) => value / bound,
        Bound::AtLeast(bound) => bound / value.max(f64::MIN_POSITIVE),
    }
}

fn place(share: f64) -> f64 {
    LEFT + WIDTH * share.min(SCALE_MAX) / SCALE_MAX
}
