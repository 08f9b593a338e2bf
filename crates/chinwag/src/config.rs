//! `chinwag config`: every option, what it is and who said so; and the page about them,
//! `docs/configuration.md`, held to the same table by the test here.

use chinwag_server::config::Config;
use clap::Args;
use serde_json::json;

use crate::options::{Fallback, SETTINGS, Setting};
use crate::settings::{Flags, Said, Settings, Source};

/// What is shown in place of a secret.
const MASK: &str = "…";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Shows the options, and fails where the server would not start with them.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = Settings::of(&arguments.flags)?;
    let config = Config::new(settings.raw()?);
    let rows: Vec<Row> =
        SETTINGS.iter().map(|it| row(it, &settings, config.as_ref().ok())).collect();
    if arguments.json {
        let rows: Vec<_> = rows.iter().map(Row::json).collect();
        println!("{:#}", json!(rows));
    } else {
        print!("{}", table(&rows));
    }
    config?;
    Ok(())
}

/// One option as it stands.
struct Row {
    setting: &'static Setting,
    /// None where the option is not set.
    value: Option<String>,
    source: Option<Source>,
}

fn row(setting: &'static Setting, settings: &Settings, config: Option<&Config>) -> Row {
    let said = settings.said_of(setting.name);
    let value = said.map(|said| said.value.clone()).or_else(|| default(setting, config));
    let value = value.map(|value| if setting.secret { MASK.to_owned() } else { value });
    Row { setting, value, source: said.map(|Said { source, .. }| source.clone()) }
}

/// What holds where nobody said anything, if that makes a configuration at all.
fn default(setting: &Setting, config: Option<&Config>) -> Option<String> {
    match (setting.default, setting.name) {
        (Fallback::Is(value), _) => Some(value.to_owned()),
        (Fallback::Computed(_), "registration") => Some(config?.registration.name().to_owned()),
        (Fallback::Computed(_), "shards") => Some(config?.shards.to_string()),
        (Fallback::Computed(_) | Fallback::Nothing, _) => None,
    }
}

impl Row {
    fn json(&self) -> serde_json::Value {
        let kind = match &self.source {
            None => "default",
            Some(Source::Flag(_)) => "flag",
            Some(Source::Variable(_) | Source::VariableFile(..)) => "environment",
            Some(Source::File(_)) => "file",
        };
        let path = match &self.source {
            Some(Source::File(path) | Source::VariableFile(_, path)) => Some(path),
            _ => None,
        };
        json!({
            "name": self.setting.name,
            "value": self.value,
            "source": kind,
            "path": path,
            "default": self.setting.default_said(),
            "secret": self.setting.secret,
            "meaning": self.setting.meaning,
        })
    }

    fn said_by(&self) -> String {
        self.source.as_ref().map_or_else(|| "default".to_owned(), Source::to_string)
    }

    fn shown(&self) -> &str {
        self.value.as_deref().unwrap_or("(not set)")
    }
}

/// Three columns, and below each option what it means.
fn table(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let names = width(|row| row.setting.name.len());
    let values = width(|row| row.shown().chars().count());
    let line = |row: &Row| {
        let (name, value, said_by) = (row.setting.name, row.shown(), row.said_by());
        let meaning = row.setting.meaning;
        format!("{name:names$}  {value:values$}  {said_by}\n{:names$}  {meaning}\n", "")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::options::{Holds, Place};

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

    const HEAD: &str = "\
# Every option

What can be set, and what it means. `chinwag config` shows the same with the values of the moment and who said so, and
`--json` gives it to programs. A test holds this page to the program; to write it anew:
`CHINWAG_WRITE=1 cargo test -p chinwag page`.

An option is a flag, a variable in the environment, and a line of `chinwag.toml`, in that order of weight. The file is
`chinwag.toml` in the folder where the program is started, or what `--config` names. A word in it that is no option is an
error. Where a variable with `_FILE` is listed, it names a file that holds the value, as containers hand values in.
";

    fn section(setting: &Setting) -> String {
        let mut text = format!("\n## {}\n\n{}\n\n", setting.name, setting.meaning);
        let mut put = |line: String| writeln!(text, "- {line}").expect("a string takes all");
        if setting.place != Place::Environment {
            put(format!("flag: `--{} {}`", setting.flag(), setting.value_name()));
        }
        put(format!("variable: `{}`", setting.variable()));
        if let Some(variable) = setting.file_variable() {
            put(format!("or in a file that is named by: `{variable}`"));
        }
        match setting.holds {
            Holds::OneOf(words) => put(format!("one of: `{}`", words.join("`, `"))),
            Holds::Number { min, max } => put(format!("a number: {min} to {max}")),
            _ => {}
        }
        match setting.default {
            Fallback::Is(value) => put(format!("default: `{value}`")),
            Fallback::Computed(said) => put(format!("default: {said}")),
            Fallback::Nothing => put("default: not set".to_owned()),
        }
        text
    }

    #[test]
    fn the_page_says_what_the_table_says() {
        let page = SETTINGS.iter().map(section).fold(HEAD.to_owned(), |page, it| page + &it);
        if std::env::var_os("CHINWAG_WRITE").is_some() {
            std::fs::write(PAGE, &page).expect("the page can be written");
        }
        let written = std::fs::read_to_string(PAGE).expect("docs/configuration.md is there");
        assert!(written == page, "docs/configuration.md is old: CHINWAG_WRITE=1 writes it anew");
    }

    #[test]
    fn a_secret_is_never_shown() {
        static SECRET: Setting = Setting {
            name: "listen",
            holds: Holds::Url,
            default: Fallback::Is("swordfish"),
            meaning: "What nobody may know.",
            place: Place::Anywhere,
            secret: true,
        };
        let settings = Settings::nothing();
        let rows = [row(&SECRET, &settings, None)];
        assert_eq!(rows[0].shown(), MASK);
        assert!(!table(&rows).contains("swordfish") && rows[0].json()["value"] == MASK);
    }
}
