//! What an act comes to, for people and for programs alike: rows with named columns.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an act comes to.
#[derive(Clone, Serialize, Deserialize)]
pub enum Answer {
    /// Rows, and what gives the next page where there is one.
    List { table: Table, next: Option<String> },
    /// One thing, with all that is known of it.
    One(Table),
}

/// Rows with named columns; a name that ends with `_ms` is a time.
#[derive(Clone, Serialize, Deserialize)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

// Invites and reset links are in it, which no log may have.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Table {
    pub(super) fn new<const N: usize>(
        columns: [&str; N],
        rows: impl IntoIterator<Item = [Value; N]>,
    ) -> Self {
        let columns = columns.map(str::to_owned).into();
        Self { columns, rows: rows.into_iter().map(Vec::from).collect() }
    }

    /// Each row as an object.
    fn objects(&self) -> impl Iterator<Item = Value> {
        self.rows.iter().map(|row| {
            let named = self.columns.iter().cloned().zip(row.iter().cloned());
            Value::Object(named.collect::<Map<_, _>>())
        })
    }
}

impl Answer {
    pub(super) fn one<const N: usize>(fields: [(&str, Value); N]) -> Self {
        let columns = fields.iter().map(|(name, _)| (*name).to_owned()).collect();
        let row = fields.into_iter().map(|(_, value)| value).collect();
        Self::One(Table { columns, rows: vec![row] })
    }

    pub(super) fn list(table: Table) -> Self {
        Self::List { table, next: None }
    }

    /// For programs: an object, or `{"rows": [...], "next": …}`.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::One(table) => table.objects().next().unwrap_or_default(),
            Self::List { table, next } => {
                serde_json::json!({"rows": table.objects().collect::<Vec<_>>(), "next": next})
            }
        }
    }
}
