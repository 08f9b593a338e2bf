//! `docs/performance.md`: its tables are this program's, its words are ours.
//!
//! A table stands between `<!-- bench:NAME -->` and `<!-- /bench -->`, and is written anew.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::table::{disturbed, goals, line};
use super::{Report, curve, plot, short, write_growth};
use crate::figures::{Figures, median};
use crate::subject::Server::{self, Chinwag, FloorA, FloorB, FloorC, Sqlite};

const BEGIN: &str = "<!-- bench:";
const BEGIN_END: &str = " -->\n";
const END: &str = "<!-- /bench -->";

/// A phase and the floor that it is compared with.
type Phase = (&'static str, Server);

const LOADED: &[Phase] = &[
    ("fan-out/100/one-at-a-time", FloorA),
    ("fan-out/1000/one-at-a-time", FloorA),
    ("fan-out/5000/one-at-a-time", FloorA),
    ("fan-out/100/32-in-flight", FloorB),
    ("fan-out/1000/16-in-flight", FloorB),
    ("fan-out/5000/8-in-flight", FloorB),
    ("rooms/1000x5/256-in-flight", FloorC),
    ("rooms/200x50/64-in-flight", FloorC),
];
const PACED: &[Phase] = &[
    ("fan-out/100/200-a-second", FloorC),
    ("fan-out/1000/40-a-second", FloorC),
    ("fan-out/5000/8-a-second", FloorA),
    ("rooms/1000x5/4000-a-second", FloorC),
    ("rooms/200x50/400-a-second", FloorC),
];
const OVERLOADED: &[Phase] =
    &[("overload/1000x5/60000-a-second", FloorC), ("overload/slow-readers", FloorC)];
const CONNECTING: &[Phase] =
    &[("connect/10-rooms", FloorA), ("idle/10000", FloorA), ("idle/18000", FloorA)];
const DURABLE: &[Phase] = &[
    ("durable/alone/1-in-flight", FloorC),
    ("durable/alone/64-in-flight", FloorC),
    ("durable/room-of-8/512-in-flight", FloorC),
    ("durable/100-rooms/400-in-flight", FloorC),
];
const HISTORY: &[Phase] = &[("history/1-client", Sqlite), ("history/4-clients", Sqlite)];
const SERVERS: &[Server] = &[
    FloorA,
    FloorB,
    FloorC,
    Sqlite,
    Chinwag,
    Server::Ws,
    Server::Nats,
    Server::SocketIo,
    Server::Ejabberd,
];

/// Writes the page's tables and its plots.
pub(crate) fn refresh(folder: &Path, report: &Report<'_>) -> Result<()> {
    let path = folder.join("performance.md");
    let page = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    fs::write(&path, filled(&page, |name| block(name, report))?)?;
    let plots = folder.join("performance");
    fs::create_dir_all(&plots)?;
    fs::write(plots.join("goals.svg"), plot::svg(report))?;
    write_growth(report, &plots)
}

/// The page with what each place is given.
fn filled(page: &str, block: impl Fn(&str) -> Result<String>) -> Result<String> {
    let (mut rest, mut filled) = (page, String::with_capacity(page.len()));
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(BEGIN_END).context("a place without a name")?;
        let (_, after) = after.split_once(END).with_context(|| format!("{name} has no end"))?;
        filled.extend([before, BEGIN, name, BEGIN_END, &block(name)?, END]);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn block(name: &str, report: &Report<'_>) -> Result<String> {
    let figures = report.figures;
    let mut page = String::from("\n");
    match name {
        "run" => run(&mut page, report),
        "goals" => goals(&mut page, figures),
        "rate" => comparison(&mut page, figures, LOADED, "deliveries_per_s"),
        "cpu" => comparison(&mut page, figures, LOADED, "cpu_us_per_delivery"),
        "latency" => comparison(&mut page, figures, PACED, "delivery_p50_us"),
        "latency-p99" => comparison(&mut page, figures, PACED, "delivery_p99_us"),
        "overload" => comparison(&mut page, figures, OVERLOADED, "deliveries_per_s"),
        "memory" => comparison(&mut page, figures, CONNECTING, "kib_per_connection"),
        "connect" => comparison(&mut page, figures, CONNECTING, "cpu_us_per_connect"),
        "durable-rate" => comparison(&mut page, figures, DURABLE, "sends_per_s"),
        "durable-cpu" => comparison(&mut page, figures, DURABLE, "cpu_us_per_send"),
        "history" => comparison(&mut page, figures, HISTORY, "requests_per_s"),
        "cores" => cores(&mut page, figures),
        "faults" => faults(&mut page, figures),
        _ => growth(&mut page, name, figures)?,
    }
    page.push('\n');
    Ok(page)
}

fn run(page: &mut String, report: &Report<'_>) {
    let machine = report.machine;
    let mut commits: Vec<&str> = report
        .figures
        .rows
        .iter()
        .map(|row| row.commit.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    commits.dedup();
    commits.sort_unstable();
    commits.dedup();
    line(
        page,
        &format!(
            "Medians of interleaved rounds on {} ({} processors, Linux {}, {}), commit {}.",
            machine.processor,
            machine.processors,
            machine.kernel,
            machine.congestion_control,
            commits.join(" and ")
        ),
    );
    line(page, &disturbed(report.figures));
}

/// A column for each server, a row for each phase; in brackets the median of the ratios to the row's
/// floor within a round.
fn comparison(page: &mut String, figures: &Figures, phases: &[Phase], metric: &str) {
    let measured = |server: &Server, name| {
        figures.find(name, *server).and_then(|row| row.median(metric)).is_some()
    };
    let servers: Vec<Server> = SERVERS
        .iter()
        .copied()
        .filter(|server| phases.iter().any(|(name, _)| measured(server, name)))
        .collect();
    let names: Vec<&str> = servers.iter().map(|server| server.name()).collect();
    if servers.is_empty() {
        line(page, "Not measured yet.");
        return;
    }
    line(page, &format!("| | ÷ | {} |", names.join(" | ")));
    line(page, &format!("|---|---|{}", "---|".repeat(names.len())));
    for (name, floor) in phases {
        if !servers.iter().any(|server| measured(server, name)) {
            continue;
        }
        let cells: Vec<String> =
            servers.iter().map(|server| cell(figures, name, *server, *floor, metric)).collect();
        line(page, &format!("| {name} | {} | {} |", floor.name(), cells.join(" | ")));
    }
}

fn cell(figures: &Figures, name: &str, server: Server, floor: Server, metric: &str) -> String {
    let Some(value) = figures.find(name, server).and_then(|row| row.median(metric)) else {
        return "–".to_owned();
    };
    let ratio = median(figures.ratios_of(server, name, metric, (name, floor)));
    let ratio = ratio.filter(|_| server != floor).map(|ratio| format!(" ({})", short(ratio)));
    let text = short(value) + &ratio.unwrap_or_default();
    if server == Chinwag { format!("**{text}**") } else { text }
}

/// A plot of growth, where it was measured.
fn growth(page: &mut String, name: &str, figures: &Figures) -> Result<()> {
    let growth = curve::GROWTHS.iter().find(|growth| growth.name == name);
    let Some(growth) = growth else {
        bail!("there is no table {name}");
    };
    let file = growth.name.replace('/', "-");
    let text = match curve::svg(growth, figures) {
        Some(_) => format!("![{}](performance/{file}.svg)", growth.along),
        None => "Not measured yet.".to_owned(),
    };
    line(page, &text);
    Ok(())
}

fn cores(page: &mut String, figures: &Figures) {
    line(page, "| | deliveries a second | CPU a delivery, µs | p50, µs | cores busy |");
    line(page, "|---|---|---|---|---|");
    for row in figures.rows.iter().filter(|row| row.name.starts_with("cores/")) {
        let value = |metric| row.median(metric).map_or("–".to_owned(), short);
        let cells = ["deliveries_per_s", "cpu_us_per_delivery", "delivery_p50_us", "cpu_share"];
        line(page, &format!("| {} | {} |", row.name, cells.map(value).join(" | ")));
    }
}

fn faults(page: &mut String, figures: &Figures) {
    line(page, "| | phases | lost | doubled | reordered | phantom |");
    line(page, "|---|---|---|---|---|---|");
    for &server in SERVERS {
        let mut all = crate::load::Faults::default();
        let rows: Vec<_> = figures.rows.iter().filter(|row| row.server == server).collect();
        rows.iter().for_each(|row| all += row.faults);
        if rows.is_empty() || server == Sqlite {
            continue;
        }
        let (name, phases) = (server.name(), rows.len());
        let counts =
            [all.lost, all.doubled, all.reordered, all.phantom].map(|count| count.to_string());
        line(page, &format!("| {name} | {phases} | {} |", counts.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::{block, filled};
    use crate::figures::Figures;
    use crate::machine::Machine;
    use crate::report::Report;

    #[test]
    fn tables_are_written_anew_and_words_stay() {
        let page = "Words.\n<!-- bench:one -->\nold\n<!-- /bench -->\nMore.\n<!-- bench:two --><!-- /bench -->";
        assert!(filled(page, |_| Ok(String::new())).is_err(), "a line ends a mark");
        let page = page.replace("two -->", "two -->\n");
        let once = filled(&page, |name| Ok(format!("{name}!\n"))).expect("the marks are right");
        let expected = "Words.\n<!-- bench:one -->\none!\n<!-- /bench -->\nMore.\n<!-- bench:two -->\ntwo!\n<!-- /bench -->";
        assert_eq!(once, expected);
        assert_eq!(filled(&once, |name| Ok(format!("{name}!\n"))).expect("as before"), once);
    }

    #[test]
    fn every_table_of_the_page_is_known() {
        let (figures, machine) = (Figures::default(), Machine::new().expect("there is one"));
        let report = Report { figures: &figures, machine: &machine, rounds: 1 };
        let page = include_str!("../../../../docs/performance.md");
        filled(page, |name| block(name, &report)).expect("every name has its table");
    }
}
