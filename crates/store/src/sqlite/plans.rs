//! How the database runs each statement: looked up, never searched through. The page
//! `docs/query-plans.md` is what it says, held to it by the test here.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::{Connection, Result, StatementStatus};

use super::{open, statements};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/query-plans.md");

const HEAD: &str = "\
# Query plans

How SQLite runs every statement of the store, as it says itself (`EXPLAIN QUERY PLAN`). A test holds
this page to the code and fails where a table is scanned from end to end; `SCAN` appears only for what
was given as a parameter (`json_each`). To write the page anew:
`CHINWAG_WRITE=1 cargo test -p chinwag-store plans`.
";

fn plan(connection: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let parameters = statement.parameter_count();
    let nulls = rusqlite::params_from_iter(std::iter::repeat_n(rusqlite::types::Null, parameters));
    statement.query_map(nulls, |row| row.get(3))?.collect()
}

fn page(connection: &Connection) -> String {
    let mut page = HEAD.to_owned();
    for (name, sql) in statements::ALL {
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let steps = plan(connection, &sql).expect("the statement is good").join("\n");
        let steps = if steps.is_empty() { "(no look-up)".to_owned() } else { steps };
        write!(page, "\n## {name}\n\n```sql\n{sql}\n```\n```\n{steps}\n```\n")
            .expect("a string takes all");
    }
    page
}

/// True where a step reads a whole table or index.
fn scans_a_table(step: &str) -> bool {
    let parameter = step.contains("VIRTUAL TABLE") || step.contains("CONSTANT ROW");
    step.starts_with("SCAN") && !parameter
}

fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a folder of its own");
    open::create(folder.path()).expect("the folder is ours");
    let mut connection = open::writing(folder.path()).expect("it opens");
    open::migrate(&mut connection).expect("the migrations run");
    (folder, connection)
}

#[test]
fn no_statement_scans_a_table() {
    let (_folder, connection) = database();
    for (name, sql) in statements::ALL {
        for step in plan(&connection, sql).expect("the statement is good") {
            assert!(!scans_a_table(&step), "{name}: {step}");
        }
    }
}

/// Planning costs ten times what running does, so a statement is planned once and kept.
#[test]
fn no_statement_is_planned_again_for_other_values() {
    let (_folder, connection) = database();
    for (name, sql) in statements::ALL {
        let mut statement = connection.prepare(sql).expect("the statement is good");
        for value in [1, 2] {
            for parameter in 1..=statement.parameter_count() {
                statement.raw_bind_parameter(parameter, value).expect("a number can be bound");
            }
            // A row that breaks a constraint is refused after the planning, and that is all the same.
            let _ = statement.raw_query().next();
        }
        let again = statement.get_status(StatementStatus::RePrepare);
        assert_eq!(again, 0, "{name}");
    }
}

#[test]
fn a_scan_would_be_seen() {
    let (_folder, connection) = database();
    for sql in ["SELECT * FROM events WHERE at_ms = 1", "SELECT count(*) FROM members"] {
        let steps = plan(&connection, sql).expect("the statement is good");
        assert!(steps.iter().any(|step| scans_a_table(step)), "{steps:?}");
    }
}

#[test]
fn a_page_is_one_range_and_the_log_a_merge_of_two() {
    let (_folder, connection) = database();
    let steps = |sql| plan(&connection, sql).expect("the statement is good");
    let range = |sql: &'static str| {
        let steps = steps(sql);
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert!(
            steps[0]
                .starts_with("SEARCH events USING PRIMARY KEY (room_id=? AND timeline=? AND seq")
        );
    };
    range(statements::TIMELINE_DOWN);
    range(statements::TIMELINE_UP);
    let log = steps(statements::LOG_UP);
    assert!(log[0].starts_with("MERGE (UNION ALL)"), "{log:?}");
    assert!(!log.iter().any(|step| step.contains("TEMP B-TREE")), "{log:?}");
}

#[test]
fn the_page_says_what_the_database_does() {
    let (_folder, connection) = database();
    let page = page(&connection);
    if std::env::var_os("CHINWAG_WRITE").is_some() {
        let folder = Path::new(PAGE).parent().expect("it is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(PAGE, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(PAGE).expect("docs/query-plans.md is there");
    assert!(written == page, "docs/query-plans.md is old: CHINWAG_WRITE=1 writes it anew");
}
