//! Every option there is, once. The flags, the variables, the lines of the file, `chinwag config` and
//! `docs/configuration.md` are all made from this table.

use std::net::SocketAddr;

/// What can be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// As in the file.
    pub(crate) name: &'static str,
    pub(crate) holds: Holds,
    pub(crate) default: Fallback,
    /// A sentence or two.
    pub(crate) meaning: &'static str,
    pub(crate) place: Place,
    /// Never shown; today the secrets are all in the database.
    pub(crate) secret: bool,
}

/// What an option's value is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    Address,
    Url,
    Folder,
    File,
    Filter,
    Mail,
    Number { min: u64, max: u64 },
    OneOf(&'static [&'static str]),
}

/// What holds where nobody says anything.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fallback {
    Is(&'static str),
    /// Found out at the start, and how, in words.
    Computed(&'static str),
    Nothing,
}

/// Where an option can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    /// By flag and variable: it says which file.
    NotInFile,
    /// By a variable alone: it holds before anything else is read.
    Environment,
}

const fn setting(
    name: &'static str,
    holds: Holds,
    default: Fallback,
    meaning: &'static str,
) -> Setting {
    Setting { name, holds, default, meaning, place: Place::Anywhere, secret: false }
}

/// The table, in the order in which it is shown.
#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    setting("listen", Holds::Address, Fallback::Is("127.0.0.1:8080"),
        "Address and port to listen on, unless a service manager hands a port over."),
    setting("public_url", Holds::Url, Fallback::Nothing,
        "The address that people type, where it is another: behind a proxy, or by name."),
    setting("data", Holds::Folder, Fallback::Is("./chinwag-data"),
        "The folder of the database; made if it is not there."),
    setting("registration", Holds::OneOf(&["open", "invite", "closed"]),
        Fallback::Computed("what `chinwag admin registration` set; else open on loopback without a public URL, else invite"),
        "Who may register."),
    setting("rate_limits", Holds::OneOf(&["on", "off"]), Fallback::Is("on"),
        "Rate limits; off is for benches and tests."),
    setting("metrics_listen", Holds::Address, Fallback::Nothing,
        "Answer /metrics here, and only here."),
    setting("shards", Holds::Number { min: 1, max: 1024 }, Fallback::Computed("one a processor"),
        "Threads that hold connections."),
    setting("trusted_hops", Holds::Number { min: 0, max: 255 }, Fallback::Is("0"),
        "Proxies in front whose X-Forwarded-For is believed."),
    setting("tls_cert", Holds::File, Fallback::Nothing,
        "The certificate with which the main port speaks TLS: PEM, the server's own first. Read again when it changes, and on SIGHUP."),
    setting("tls_key", Holds::File, Fallback::Nothing,
        "The certificate's private key: PEM, without a password."),
    setting("acme", Holds::OneOf(&["on", "off"]), Fallback::Is("off"),
        "Get the certificate of the public URL's host from an authority, and renew it. By this you agree to the authority's terms."),
    setting("acme_contact", Holds::Mail, Fallback::Nothing,
        "Whom the authority writes to when something is wrong with the certificate."),
    setting("acme_directory", Holds::Url, Fallback::Computed("Let's Encrypt"),
        "The authority."),
    setting("acme_root", Holds::File, Fallback::Nothing,
        "The root certificate by which an authority of your own is known: PEM."),
    Setting { place: Place::NotInFile, ..setting("config", Holds::File, Fallback::Computed("./chinwag.toml, if it is there"),
        "A TOML file with any of these.") },
    Setting { place: Place::Environment, ..setting("log", Holds::Filter, Fallback::Is("info"),
        "What is logged: info, warn, debug, or by part of the program, like chinwag_store=debug.") },
];

/// The option of a name.
pub(crate) fn of_name(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The known word that is most like this one, if any is at all.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &str| strsim::jaro_winkler(word, other);
    let best = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.filter(|best| likeness(best) > 0.7)
}

impl Setting {
    /// `public-url`, for `--public-url`.
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// `CHINWAG_PUBLIC_URL`.
    pub(crate) fn variable(&self) -> String {
        format!("CHINWAG_{}", self.name.to_ascii_uppercase())
    }

    /// The variable that names a file with the value, as containers hand secrets in. What is a path
    /// itself has none: which of the two is meant would be a guess.
    pub(crate) fn file_variable(&self) -> Option<String> {
        let is_path = matches!(self.holds, Holds::Folder | Holds::File);
        let has_one = self.place == Place::Anywhere && !is_path;
        has_one.then(|| format!("{}_FILE", self.variable()))
    }

    /// What stands for a value in the help.
    pub(crate) fn value_name(&self) -> &'static str {
        match self.holds {
            Holds::Address => "ADDR",
            Holds::Url => "URL",
            Holds::Folder => "FOLDER",
            Holds::File => "FILE",
            Holds::Filter => "FILTER",
            Holds::Mail => "E-MAIL",
            Holds::Number { .. } => "N",
            Holds::OneOf(_) => "WHICH",
        }
    }

    /// What is wrong with a value that was written, if anything is.
    pub(crate) fn check(&self, text: &str) -> Result<(), String> {
        let good = match self.holds {
            Holds::Address => text.parse::<SocketAddr>().is_ok(),
            Holds::Number { min, max } => text.parse().is_ok_and(|n| (min..=max).contains(&n)),
            Holds::OneOf(words) => words.contains(&text),
            Holds::Url | Holds::Mail | Holds::Folder | Holds::File | Holds::Filter => {
                !text.is_empty()
            }
        };
        good.then_some(()).ok_or_else(|| self.wanted())
    }

    fn wanted(&self) -> String {
        match self.holds {
            Holds::Address => "must be an address and a port, like 127.0.0.1:8080".to_owned(),
            Holds::Number { min, max } => format!("must be {min} to {max}"),
            Holds::OneOf(words) => format!("must be one of {}", words.join(", ")),
            Holds::Url | Holds::Mail | Holds::Folder | Holds::File | Holds::Filter => {
                "must not be empty".to_owned()
            }
        }
    }

    /// The default, in words.
    pub(crate) fn default_said(&self) -> Option<&'static str> {
        match self.default {
            Fallback::Is(said) | Fallback::Computed(said) => Some(said),
            Fallback::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_would_be_taken() {
        for setting in SETTINGS {
            if let Fallback::Is(value) = setting.default {
                assert_eq!(setting.check(value), Ok(()), "{}", setting.name);
            }
        }
    }

    #[test]
    fn a_wrong_value_is_told_what_is_wanted() {
        let said = |name, value| of_name(name).expect("it is there").check(value);
        assert_eq!(said("shards", "0"), Err("must be 1 to 1024".to_owned()));
        assert_eq!(said("trusted_hops", "-1"), Err("must be 0 to 255".to_owned()));
        assert_eq!(said("rate_limits", "no"), Err("must be one of on, off".to_owned()));
        assert!(said("listen", "8080").is_err() && said("data", "").is_err());
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let near = |word| nearest(word, SETTINGS.iter().map(|setting| setting.name));
        assert_eq!(near("publik_url"), Some("public_url"));
        assert_eq!(near("trusted-hops"), Some("trusted_hops"));
        assert_eq!(near("tls_crt"), Some("tls_cert"));
        assert_eq!(near("qqq"), None);
    }

    #[test]
    fn what_is_a_path_has_no_file_variable() {
        let variable = |name| of_name(name).and_then(Setting::file_variable);
        assert_eq!(variable("public_url").as_deref(), Some("CHINWAG_PUBLIC_URL_FILE"));
        assert_eq!((variable("tls_key"), variable("config"), variable("log")), (None, None, None));
    }
}
