//! A plot of growth: a panel for each figure, both axes in steps of ten.
//!
//! On such axes what grows as its cause does rises with the thin dashed line; what does not grow is flat.

use super::short;
use super::style::{begin, line, push, words};
use crate::figures::Figures;
use crate::subject::Server;

/// What a plot shows: the phases below `name`, whose last part is a number, and a panel for each metric.
pub(crate) struct Growth {
    /// The file's name, too.
    pub(crate) name: &'static str,
    /// What grows.
    pub(crate) along: &'static str,
    pub(crate) panels: &'static [(&'static str, &'static str)],
}

pub(crate) const GROWTHS: &[Growth] = &[
    Growth {
        name: "growth/subscribers",
        along: "members of one room, 16 messages under way",
        panels: &[
            ("deliveries_per_s", "deliveries a second"),
            ("cpu_us_per_delivery", "CPU a delivery, µs"),
            ("resident_mib", "resident memory, MiB"),
        ],
    },
    Growth {
        name: "growth/rooms",
        along: "rooms of five, 256 messages under way",
        panels: &[
            ("deliveries_per_s", "deliveries a second"),
            ("cpu_us_per_delivery", "CPU a delivery, µs"),
            ("resident_mib", "resident memory, MiB"),
        ],
    },
    Growth {
        name: "growth/connections",
        along: "connections, each in ten rooms of ten",
        panels: &[
            ("deliveries_per_s", "deliveries a second"),
            ("cpu_us_per_delivery", "CPU a delivery, µs"),
            ("resident_mib", "resident memory, MiB"),
        ],
    },
    Growth {
        name: "growth/messages",
        along: "messages kept in one room",
        panels: &[
            ("requests_per_s", "newest pages a second"),
            ("cpu_us_per_send", "CPU a durable send, µs"),
            ("ready_ms", "start to ready, ms"),
            ("database_mib", "database, MiB"),
        ],
    },
];

const PANEL: (f64, f64) = (270.0, 200.0);
const MARGIN: (f64, f64) = (62.0, 64.0);
const GAP: f64 = 74.0;
const BOTTOM: f64 = 52.0;

/// A server's medians along what grows.
struct Line {
    server: Server,
    points: Vec<(f64, f64)>,
}

/// The plot; none where nothing of it was measured.
pub(crate) fn svg(growth: &Growth, figures: &Figures) -> Option<String> {
    let panels: Vec<_> = growth
        .panels
        .iter()
        .map(|(metric, title)| (*title, lines(growth, metric, figures)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    if panels.is_empty() {
        return None;
    }
    let count = panels.len() as f64;
    let width = MARGIN.0 + count * (PANEL.0 + GAP) - GAP + 24.0;
    let mut svg = begin(width, MARGIN.1 + PANEL.1 + BOTTOM);
    words(&mut svg, r#"font-size="15""#, (16.0, 24.0), growth.along);
    legend(&mut svg, &panels);
    for (at, (title, lines)) in panels.iter().enumerate() {
        panel(&mut svg, MARGIN.0 + at as f64 * (PANEL.0 + GAP), title, lines);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn legend(svg: &mut String, panels: &[(&str, Vec<Line>)]) {
    let mut x = 16.0;
    let longest = panels.iter().map(|(_, lines)| lines).max_by_key(|lines| lines.len());
    for Line { server, .. } in longest.into_iter().flatten() {
        let (class, name) = (class(*server), server.name());
        line(svg, &format!("{class}-line"), (x, 38.0), (x + 18.0, 38.0));
        words(svg, r#"class="faint""#, (x + 24.0, 42.0), name);
        x += 40.0 + 8.0 * name.len() as f64;
    }
    line(svg, "guide", (x, 38.0), (x + 18.0, 38.0));
    words(svg, r#"class="faint""#, (x + 24.0, 42.0), "in proportion");
}

fn class(server: Server) -> &'static str {
    if server == Server::Chinwag { "good" } else { "floor" }
}

fn lines(growth: &Growth, metric: &str, figures: &Figures) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for row in &figures.rows {
        let along = row.name.strip_prefix(growth.name).and_then(|rest| rest.strip_prefix('/'));
        let (Some(x), Some(y)) = (along.and_then(|along| along.parse().ok()), row.median(metric))
        else {
            continue;
        };
        match lines.iter_mut().find(|line| line.server == row.server) {
            Some(line) => line.points.push((x, y)),
            None => lines.push(Line { server: row.server, points: vec![(x, y)] }),
        }
    }
    for line in &mut lines {
        line.points.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    }
    lines
}

/// Steps of ten, or of one, two and five where all lies within two of them.
#[derive(Clone, Copy)]
struct Axis {
    least: f64,
    most: f64,
    start: f64,
    length: f64,
}

impl Axis {
    fn over(values: &[f64], (start, length): (f64, f64)) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let (least, most) = (floor(least), ceiling(most));
        Self { least, most: if most > least { most } else { least * 10.0 }, start, length }
    }

    fn place(self, value: f64) -> f64 {
        let share = (value / self.least).ln() / (self.most / self.least).ln();
        self.start + self.length * share
    }

    fn ticks(self) -> Vec<f64> {
        let steps: &[f64] = if self.most / self.least > 90.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let decades = (self.least.log10().floor() as i32)..=(self.most.log10().ceil() as i32);
        let all =
            decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
        let within = |value: &f64| (self.least * 0.999..=self.most * 1.001).contains(value);
        all.filter(within).collect()
    }
}

/// The next of 1, 2, 5, 10 … below.
fn floor(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let step = [5.0, 2.0].into_iter().find(|step| step * decade <= value);
    step.unwrap_or(1.0) * decade
}

fn ceiling(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * decade >= value);
    step.unwrap_or(10.0) * decade
}

fn panel(svg: &mut String, left: f64, title: &str, lines: &[Line]) {
    let bottom = MARGIN.1 + PANEL.1;
    let values = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        lines.iter().flat_map(|line| line.points.iter().map(of)).collect()
    };
    let across = Axis::over(&values(|point| point.0), (left, PANEL.0));
    let up = Axis::over(&values(|point| point.1), (bottom, -PANEL.1));
    words(svg, r#"font-size="13""#, (left, MARGIN.1 - 6.0), title);
    grid(svg, across, up);
    guide(svg, across, up, lines);
    for each in lines {
        curve(svg, across, up, each);
    }
}

fn grid(svg: &mut String, across: Axis, up: Axis) {
    let (left, right, bottom) = (across.start, across.start + across.length, up.start);
    for tick in up.ticks() {
        let y = up.place(tick);
        line(svg, "grid", (left, y), (right, y));
        let beside = r#"class="faint" text-anchor="end" font-size="11""#;
        words(svg, beside, (left - 6.0, y + 4.0), &tick_name(tick));
    }
    for tick in across.ticks() {
        let x = across.place(tick);
        line(svg, "axis", (x, bottom), (x, bottom + 4.0));
        let below = r#"class="faint" text-anchor="middle" font-size="11""#;
        words(svg, below, (x, bottom + 18.0), &tick_name(tick));
    }
    line(svg, "axis", (left, bottom), (right, bottom));
}

/// From our first point on: how the figure would lie if it grew as its cause does.
fn guide(svg: &mut String, across: Axis, up: Axis, lines: &[Line]) {
    let ours = lines.iter().find(|line| line.server == Server::Chinwag);
    let Some(&(x, y)) = ours.and_then(|line| line.points.first()) else {
        return;
    };
    let reach = (across.most / x).min(up.most / y);
    let place = |x, y| (across.place(x), up.place(y));
    line(svg, "guide", place(x, y), place(x * reach, y * reach));
}

fn curve(svg: &mut String, across: Axis, up: Axis, line: &Line) {
    let class = class(line.server);
    let places: Vec<(f64, f64)> =
        line.points.iter().map(|&(x, y)| (across.place(x), up.place(y))).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    push(svg, &format!(r#"<polyline class="{class}-line" points="{}"/>"#, path.join(" ")));
    for ((x, y), (_, value)) in places.iter().zip(&line.points) {
        let told = format!("{}: {}", line.server.name(), short(*value));
        push(
            svg,
            &format!(
                r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="3"><title>{told}</title></circle>"#
            ),
        );
    }
}

fn tick_name(value: f64) -> String {
    match value {
        million if million >= 1e6 => format!("{} M", million / 1e6),
        thousand if thousand >= 1e3 => format!("{} k", thousand / 1e3),
        small => format!("{}", (small * 1e4).round() / 1e4),
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, GROWTHS, ceiling, floor, svg};
    use crate::figures::Figures;
    use crate::subject::Server;

    #[test]
    fn an_axis_ends_at_round_numbers_and_is_even_in_ratios() {
        assert_eq!(
            [floor(30.0), floor(1.0), ceiling(30.0), ceiling(1_000.0)],
            [20.0, 1.0, 50.0, 1_000.0]
        );
        let axis = Axis::over(&[30.0, 900.0], (0.0, 100.0));
        let step = axis.place(200.0) - axis.place(20.0);
        assert!((axis.place(1_000.0) - axis.place(100.0) - step).abs() < 1e-9);
        assert_eq!(axis.ticks(), [20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0]);
    }

    #[test]
    fn a_plot_has_a_line_for_each_server_and_none_where_nothing_was_measured() {
        let mut figures = Figures::default();
        assert!(svg(&GROWTHS[0], &figures).is_none());
        for (members, us) in [("10", 1.0), ("100", 1.1)] {
            let name = format!("growth/subscribers/{members}");
            for server in [Server::FloorB, Server::Chinwag] {
                figures.row(&name, server).add("cpu_us_per_delivery", us);
            }
        }
        let plot = svg(&GROWTHS[0], &figures).expect("something was measured");
        assert_eq!(plot.matches("<polyline").count(), 2);
        assert_eq!(plot.matches("<circle").count(), 4);
    }
}
