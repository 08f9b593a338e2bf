//! What was said: by flags, then the environment, then the file, then the defaults of the table.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, anyhow, bail};
use chinwag_server::config::{RawConfig, Registration};
use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::options::{self, Fallback, Holds, Place, SETTINGS, Setting};

/// The file that is read when none is named, if there is one.
const DEFAULT_FILE: &str = "chinwag.toml";

/// More than a configuration or a secret ever has.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What flags and environment said.
#[derive(Debug, Clone)]
pub(crate) struct Flags(Vec<Said>);

/// The same, and they may stand behind the words of a command that has further commands.
#[derive(Debug, Clone)]
pub(crate) struct GlobalFlags(pub(crate) Flags);

/// One option's value, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) source: Source,
}

/// Who said what an option is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Flag(String),
    Variable(String),
    /// A variable that names a file with the value.
    VariableFile(String, PathBuf),
    File(PathBuf),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(variable) => f.write_str(variable),
            Self::VariableFile(variable, path) => write!(f, "{variable} ({})", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// An argument of clap's for a row of the table.
fn argument(setting: &'static Setting) -> Arg {
    let default = setting.default_said().map(|said| format!(" [default: {said}]"));
    let argument = Arg::new(setting.name)
        .long(setting.flag())
        .env(setting.variable())
        .hide_env_values(setting.secret)
        .value_name(setting.value_name())
        .help(format!("{}{}", setting.meaning, default.unwrap_or_default()));
    match setting.holds {
        Holds::OneOf(words) => argument.value_parser(PossibleValuesParser::new(words)),
        _ => argument.value_parser(move |text: &str| setting.check(text).map(|()| text.to_owned())),
    }
}

fn arguments() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().filter(|setting| setting.place != Place::Environment).map(argument)
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(arguments())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let said = SETTINGS.iter().filter(|setting| setting.place != Place::Environment);
        Ok(Self(said.filter_map(|setting| of_matches(setting, matches)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for GlobalFlags {
    fn augment_args(command: Command) -> Command {
        let heading = "What the server is told";
        command.args(arguments().map(|argument| argument.global(true).help_heading(heading)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for GlobalFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Flags::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

fn of_matches(setting: &'static Setting, matches: &ArgMatches) -> Option<Said> {
    let value = matches.get_one::<String>(setting.name)?.clone();
    let source = match matches.value_source(setting.name)? {
        ValueSource::EnvVariable => Source::Variable(setting.variable()),
        _ => Source::Flag(setting.flag()),
    };
    Some(Said { name: setting.name, value, source })
}

/// What was said of all options, the strongest word of each.
#[derive(Debug)]
pub(crate) struct Settings {
    said: Vec<Said>,
    /// The file that was read, where one was.
    file: Option<PathBuf>,
}

impl Settings {
    /// Adds to the flags what the environment's files and the configuration's file say.
    pub(crate) fn of(flags: &Flags) -> anyhow::Result<Self> {
        let mut settings = Self { said: flags.0.clone(), file: None };
        settings.add_environment(|variable| std::env::var_os(variable))?;
        let named = settings.said_of("config").map(|said| PathBuf::from(&said.value));
        let default = || Path::new(DEFAULT_FILE).exists().then(|| PathBuf::from(DEFAULT_FILE));
        if let Some(path) = named.or_else(default) {
            let text = read(&path)?;
            settings.add_file(&path, &text)?;
            settings.file = Some(path);
        }
        Ok(settings)
    }

    /// The variables that clap does not read: those that name a file, and that of the log.
    fn add_environment(
        &mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<()> {
        for setting in SETTINGS {
            if setting.place == Place::Environment
                && let Some(value) = variable(&setting.variable())
            {
                let value = value.to_string_lossy().into_owned();
                let source = Source::Variable(setting.variable());
                self.add(Said { name: setting.name, value, source });
            }
            let Some(name) = setting.file_variable() else { continue };
            let Some(path) = variable(&name).map(PathBuf::from) else { continue };
            if variable(&setting.variable()).is_some() {
                bail!("{name} and {} are both set: take one away", setting.variable());
            }
            let value = read(&path).with_context(|| name.clone())?.trim_end().to_owned();
            setting
                .check(&value)
                .map_err(|why| anyhow!("{name}: what is in {} {why}", path.display()))?;
            let source = Source::VariableFile(name, path);
            self.add(Said { name: setting.name, value, source });
        }
        Ok(())
    }

    /// The lines of a file: the options' names, and nothing else.
    fn add_file(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let table: toml::Table =
            text.parse().with_context(|| format!("{} is no TOML", path.display()))?;
        for (key, value) in &table {
            let setting = known(key).with_context(|| path.display().to_string())?;
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                _ => bail!("{}: {key} must be a text or a number", path.display()),
            };
            setting
                .check(&value)
                .map_err(|why| anyhow!("{}: {key} {why}; it is {value:?}", path.display()))?;
            self.add(Said { name: setting.name, value, source: Source::File(path.to_owned()) });
        }
        Ok(())
    }

    /// Takes a word where no stronger one was said before.
    fn add(&mut self, said: Said) {
        if self.said_of(said.name).is_none() {
            self.said.push(said);
        }
    }

    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        Self { said: Vec::new(), file: None }
    }

    /// The file that was read, where one was.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn all(&self) -> &[Said] {
        &self.said
    }

    /// What was said of an option.
    pub(crate) fn said_of(&self, name: &str) -> Option<&Said> {
        self.said.iter().find(|said| said.name == name)
    }

    /// An option's value, said or by default.
    fn value(&self, name: &'static str) -> Option<&str> {
        let default = || match options::of_name(name)?.default {
            Fallback::Is(value) => Some(value),
            Fallback::Computed(_) | Fallback::Nothing => None,
        };
        self.said_of(name).map(|said| said.value.as_str()).or_else(default)
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> anyhow::Result<Option<T>> {
        let parse = |text: &str| text.parse().map_err(|_| anyhow!("{name} cannot be {text:?}"));
        self.value(name).map(parse).transpose()
    }

    fn needed<T: FromStr>(&self, name: &'static str) -> anyhow::Result<T> {
        self.parsed(name)?.with_context(|| format!("{name} is missing"))
    }

    /// Where the server that is told the same listens.
    pub(crate) fn listen(&self) -> anyhow::Result<SocketAddr> {
        self.needed("listen")
    }

    /// Where the server that is told the same keeps everything.
    pub(crate) fn data(&self) -> anyhow::Result<PathBuf> {
        self.needed("data")
    }

    /// What the server is told.
    pub(crate) fn raw(&self) -> anyhow::Result<RawConfig> {
        Ok(RawConfig {
            listen: self.listen()?,
            public_url: self.parsed("public_url")?,
            data: self.data()?,
            registration: self.value("registration").and_then(Registration::from_name),
            rate_limits: self.value("rate_limits") != Some("off"),
            metrics_listen: self.parsed("metrics_listen")?,
            shards: self.parsed("shards")?,
            trusted_hops: self.needed("trusted_hops")?,
            tls_cert: self.parsed("tls_cert")?,
            tls_key: self.parsed("tls_key")?,
            acme: self.value("acme") == Some("on"),
            acme_contact: self.parsed("acme_contact")?,
            acme_directory: self.parsed("acme_directory")?,
            acme_root: self.parsed("acme_root")?,
            traces: None,
        })
    }
}

/// The option that a key of the file means.
fn known(key: &str) -> anyhow::Result<&'static Setting> {
    let in_file = || SETTINGS.iter().filter(|setting| setting.place == Place::Anywhere);
    if let Some(setting) = in_file().find(|setting| setting.name == key) {
        return Ok(setting);
    }
    if let Some(setting) = options::of_name(key) {
        bail!("{key} cannot be set in a file: use {}", setting.variable());
    }
    match options::nearest(key, in_file().map(|setting| setting.name)) {
        Some(nearest) => bail!("there is no option {key:?}; is {nearest:?} meant?"),
        None => bail!("there is no option {key:?}; `chinwag config` lists those there are"),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let unreadable = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(unreadable)?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the environment of the one who tests.
    fn flags(words: &[&str]) -> Flags {
        use clap::{Args as _, FromArgMatches as _};
        let command = Flags::augment_args(Command::new("x")).mut_args(|it| it.env(None::<&str>));
        let matches = command.get_matches_from(std::iter::once(&"x").chain(words));
        Flags::from_arg_matches(&matches).expect("good flags")
    }

    fn of(words: &[&str], environment: &[(&str, &str)], file: &str) -> anyhow::Result<Settings> {
        let mut settings = Settings { said: flags(words).0, file: None };
        settings.add_environment(|name| {
            environment.iter().find(|(it, _)| *it == name).map(|(_, value)| value.into())
        })?;
        settings.add_file(Path::new("chinwag.toml"), file)?;
        Ok(settings)
    }

    fn refused(file: &str) -> String {
        format!("{:#}", of(&[], &[], file).expect_err("it is refused"))
    }

    #[test]
    fn a_flag_is_stronger_than_the_file_and_that_than_the_default() {
        let file = "shards = 3\npublic_url = \"https://file.example\"";
        let settings = of(&["--shards", "2"], &[], file).expect("good");
        let source = |name| settings.said_of(name).map(|said| said.source.to_string());
        assert_eq!(source("shards").as_deref(), Some("--shards"));
        assert_eq!(source("public_url").as_deref(), Some("chinwag.toml"));
        assert_eq!(source("listen"), None);
        let raw = settings.raw().expect("good");
        assert_eq!((raw.shards, raw.trusted_hops), (Some(2), 0));
        assert_eq!(raw.public_url.as_deref(), Some("https://file.example"));
        assert_eq!(raw.data, Path::new("./chinwag-data"));
        assert!(raw.rate_limits && raw.registration.is_none());
    }

    #[test]
    fn a_variable_may_name_a_file_with_the_value() {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let path = folder.path().join("url");
        std::fs::write(&path, "https://secret.example\n").expect("the folder is ours");
        let path = path.to_str().expect("it is UTF-8");
        let named = ("CHINWAG_PUBLIC_URL_FILE", path);
        let settings = of(&[], &[named], "public_url = \"https://file.example\"").expect("good");
        assert_eq!(settings.value("public_url"), Some("https://secret.example"));
        let both = of(&[], &[named, ("CHINWAG_PUBLIC_URL", "https://a.example")], "");
        assert!(both.expect_err("which is meant?").to_string().contains("are both set"));
        let wrong = of(&[], &[("CHINWAG_SHARDS_FILE", path)], "").expect_err("no number");
        assert!(wrong.to_string().contains("must be 1 to 1024"), "{wrong}");
        let missing = of(&[], &[("CHINWAG_LISTEN_FILE", "/nowhere")], "").expect_err("no file");
        assert!(format!("{missing:#}").contains("cannot read /nowhere"), "{missing:#}");
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        let said = refused("publik_url = \"https://a.example\"");
        assert_eq!(
            said,
            "chinwag.toml: there is no option \"publik_url\"; is \"public_url\" meant?"
        );
        assert!(refused("qqq = 1").contains("`chinwag config` lists"));
        assert!(refused("config = \"x\"").contains("cannot be set in a file"));
        assert!(refused("log = \"debug\"").contains("use CHINWAG_LOG"));
    }

    #[test]
    fn a_wrong_value_in_the_file_is_named() {
        assert_eq!(refused("shards = 0"), "chinwag.toml: shards must be 1 to 1024; it is \"0\"");
        assert!(refused("listen = true").contains("must be a text or a number"));
        assert!(refused("listen = ").contains("chinwag.toml is no TOML"));
    }
}
