//! An answer as people read it.

use chinwag_server::admin::{Answer, Table};
use serde_json::Value;

use crate::moment;

/// Aligned columns for a list, a line a field for one thing.
pub(crate) fn people(answer: &Answer) -> String {
    match answer {
        Answer::One(table) => one(table),
        Answer::List { table, next } => {
            // The log of acts goes back in time, all else forwards.
            let falls = table.columns.first().is_some_and(|column| column == "number");
            let flag = if falls { "--before" } else { "--after" };
            let more = next.as_ref().map(|next| format!("More: {flag} {next}\n"));
            list(table) + &more.unwrap_or_default()
        }
    }
}

/// A column's name without its unit: a time is shown as one.
fn title(column: &str) -> String {
    column.strip_suffix("_ms").unwrap_or(column).replace('_', " ")
}

fn cell(column: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if column.ends_with("_ms") => {
            number.as_u64().map_or_else(|| number.to_string(), |ms| moment::utc(ms / 1_000))
        }
        other => other.to_string(),
    };
    // What a terminal would obey is no part of a name.
    text.chars().filter(|character| !character.is_control()).collect()
}

fn one(table: &Table) -> String {
    let width = table.columns.iter().map(|column| title(column).chars().count()).max();
    let width = width.unwrap_or_default();
    let row = table.rows.first().map(Vec::as_slice).unwrap_or_default();
    let line = |(column, value): (&String, &Value)| {
        format!("{:width$}  {}\n", title(column), cell(column, value))
    };
    table.columns.iter().zip(row).map(line).collect()
}

fn list(table: &Table) -> String {
    if table.rows.is_empty() {
        return "None.\n".to_owned();
    }
    let cells = |row: &Vec<Value>| {
        table.columns.iter().zip(row).map(|(column, value)| cell(column, value)).collect()
    };
    let mut rows: Vec<Vec<String>> =
        vec![table.columns.iter().map(|column| title(column)).collect()];
    rows.extend(table.rows.iter().map(cells));
    let width = |place: usize| rows.iter().map(|row| row[place].chars().count()).max();
    let widths: Vec<usize> = (0..table.columns.len()).filter_map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        padded.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(columns: &[&str], rows: &[Value]) -> Table {
        let rows = rows.iter().map(|row| row.as_array().cloned().expect("a row")).collect();
        Table { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows }
    }

    #[test]
    fn a_list_has_columns_and_says_how_it_goes_on() {
        let rows = [json!(["ann", 0, null]), json!(["b", 86_400_000, "yes\u{1b}[2J"])];
        let table = table(&["handle", "seen_at_ms", "made_by"], &rows);
        let shown = people(&Answer::List { table, next: Some("0abc".to_owned()) });
        let expected = "\
handle  seen at              made by
ann     1970-01-01 00:00:00  –
b       1970-01-02 00:00:00  yes[2J
More: --after 0abc
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_empty_list_says_so_and_the_log_goes_back() {
        let none = Answer::List { table: table(&["handle"], &[]), next: None };
        assert_eq!(people(&none), "None.\n");
        let next = Some("7".to_owned());
        let log = Answer::List { table: table(&["number"], &[json!([7])]), next };
        assert_eq!(people(&log), "number\n7\nMore: --before 7\n");
    }

    #[test]
    fn one_thing_has_a_line_a_field() {
        let table = table(&["handle", "online"], &[json!(["ann", false])]);
        assert_eq!(people(&Answer::One(table)), "handle  ann\nonline  no\n");
    }
}
