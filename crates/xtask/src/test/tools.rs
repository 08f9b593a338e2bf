//! What the steps need on the machine, and `--install`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::deploy;
use crate::command;

/// A program that a step cannot do without.
struct Tool {
    needed: &'static str,
    source: Source,
    steps: &'static [&'static str],
    is_here: fn() -> bool,
}

enum Source {
    /// A Debian package: `--install` gets it.
    Debian(&'static str),
    /// Debian has none, or too old a one: what to do instead.
    Otherwise(&'static str),
}

/// The one list of what is needed. PostgreSQL and nats-server get their rows here with the tests that need them.
const TOOLS: &[Tool] = &[
    Tool {
        needed: "git",
        source: Source::Debian("git"),
        steps: &["tidy", "rust"],
        is_here: || command::find("git").is_some(),
    },
    Tool {
        needed: "strace",
        source: Source::Debian("strace"),
        steps: &["rust"],
        is_here: || command::find("strace").is_some(),
    },
    Tool {
        needed: "chromium",
        source: Source::Debian("chromium"),
        steps: &["browser"],
        is_here: || chromium().is_some(),
    },
    Tool {
        needed: "valgrind",
        source: Source::Debian("valgrind"),
        steps: &["instructions"],
        is_here: || command::find("callgrind_control").is_some(),
    },
    Tool {
        needed: "Python 3.11 or newer with venv",
        source: Source::Debian("python3-venv"),
        steps: &["deploy"],
        is_here: deploy::python_is_here,
    },
    Tool {
        needed: "prometheus",
        source: Source::Debian("prometheus"),
        steps: &["deploy"],
        is_here: || deploy::is_here("promtool") && deploy::is_here("prometheus"),
    },
    Tool {
        needed: "nginx",
        source: Source::Debian("nginx-light"),
        steps: &["deploy"],
        is_here: || deploy::is_here("nginx"),
    },
    Tool {
        needed: "caddy",
        source: Source::Debian("caddy"),
        steps: &["deploy"],
        is_here: || deploy::is_here("caddy"),
    },
    Tool {
        needed: "systemd-analyze",
        source: Source::Debian("systemd"),
        steps: &["deploy"],
        is_here: || deploy::is_here("systemd-analyze"),
    },
    Tool {
        needed: "openssl",
        source: Source::Debian("openssl"),
        steps: &["deploy"],
        is_here: || deploy::is_here("openssl"),
    },
    Tool {
        needed: "curl",
        source: Source::Debian("curl"),
        steps: &["deploy"],
        is_here: || command::find("curl").is_some(),
    },
    Tool {
        needed: "rustfmt",
        source: Source::Otherwise("rustup component add rustfmt"),
        steps: &["fmt"],
        is_here: || command::answers(command::cargo(), &["fmt", "--version"]),
    },
    Tool {
        needed: "clippy",
        source: Source::Otherwise("rustup component add clippy"),
        steps: &["clippy"],
        is_here: || command::answers(command::cargo(), &["clippy", "--version"]),
    },
    Tool {
        needed: "Node.js 20.19 or newer with npm",
        source: Source::Otherwise("from https://nodejs.org, or your version manager"),
        steps: &["web", "build", "deploy", "browser"],
        is_here: node_is_here,
    },
];

/// The oldest Node.js that Vite 8 runs on.
const NODE: (u32, u32) = (20, 19);

/// Sees to it that the steps have what they need, or says all that is missing in one line.
pub(super) fn ensure(steps: &[&str], install: bool) -> Result<()> {
    let mut missing = missing(steps);
    if install {
        let packages = packages(&missing);
        if !packages.is_empty() {
            apt_get_install(&packages)?;
            missing.retain(|tool| !(tool.is_here)());
        }
    }
    if !missing.is_empty() {
        bail!("{}", sentence(&missing));
    }
    Ok(())
}

/// The browser that the journeys use: `CHROMIUM` where it is set, else Debian's.
pub(super) fn chromium() -> Option<PathBuf> {
    let chosen = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|file| file.is_file());
    chosen.or_else(|| command::find("chromium"))
}

fn missing(steps: &[&str]) -> Vec<&'static Tool> {
    let wanted = |tool: &&Tool| tool.steps.iter().any(|step| steps.contains(step));
    TOOLS.iter().filter(wanted).filter(|tool| !(tool.is_here)()).collect()
}

fn packages(missing: &[&Tool]) -> Vec<&'static str> {
    let package = |tool: &&Tool| match tool.source {
        Source::Debian(package) => Some(package),
        Source::Otherwise(_) => None,
    };
    missing.iter().filter_map(package).collect()
}

fn sentence(missing: &[&Tool]) -> String {
    let mut parts: Vec<_> = missing
        .iter()
        .map(|tool| match tool.source {
            Source::Debian(_) => format!("{} (for {})", tool.needed, tool.steps.join(", ")),
            Source::Otherwise(how) => {
                format!("{} (for {}: {how})", tool.needed, tool.steps.join(", "))
            }
        })
        .collect();
    let packages = packages(missing);
    if !packages.is_empty() {
        parts.push(format!(
            "run `apt-get install -y --no-install-recommends {}` or add --install",
            packages.join(" ")
        ));
    }
    format!("missing: {}", parts.join("; "))
}

fn apt_get_install(packages: &[&str]) -> Result<()> {
    if command::find("apt-get").is_none() {
        bail!("there is no apt-get here: install {} in your system's way", packages.join(", "));
    }
    let root = Path::new("/");
    command::run(as_root(root)?.args(["apt-get", "update"]))?;
    let arguments = ["apt-get", "install", "-y", "--no-install-recommends"];
    command::run(as_root(root)?.args(arguments).args(packages))
}

/// A command that runs its arguments as root, and asks nothing.
fn as_root(folder: &Path) -> Result<Command> {
    const QUIET: &str = "DEBIAN_FRONTEND=noninteractive";
    let user = Command::new("id").arg("-u").output()?;
    if user.stdout.trim_ascii() == b"0" {
        let mut env = command::command("env", folder);
        env.arg(QUIET);
        return Ok(env);
    }
    if command::find("sudo").is_none() {
        bail!("--install needs root or sudo to run apt-get");
    }
    let mut sudo = command::command("sudo", folder);
    sudo.args(["env", QUIET]);
    Ok(sudo)
}

fn node_is_here() -> bool {
    let Ok(output) = Command::new("node").arg("--version").output() else {
        return false;
    };
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    is_new_enough(version.trim()) && command::find("npm").is_some()
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    (major, minor) >= NODE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_in_one_line_with_the_command() {
        let of =
            |name: &str| TOOLS.iter().find(|tool| tool.needed == name).expect("it is in the table");
        assert_eq!(
            sentence(&[of("chromium"), of("clippy")]),
            "missing: chromium (for browser); clippy (for clippy: rustup component add clippy); \
             run `apt-get install -y --no-install-recommends chromium` or add --install"
        );
    }

    #[test]
    fn every_row_serves_a_step_that_exists() {
        let known = |step: &&str| super::super::STEPS.iter().any(|it| it.name == *step);
        for tool in TOOLS {
            assert!(!tool.steps.is_empty() && tool.steps.iter().all(known), "{}", tool.needed);
        }
    }

    #[test]
    fn a_step_that_needs_nothing_misses_nothing() {
        assert!(missing(&["doc"]).is_empty());
    }

    #[test]
    fn node_is_compared_by_number() {
        for (version, enough) in [
            ("v20.19.0", true),
            ("v20.9.0", false),
            ("v18.20.4", false),
            ("v24.1.0", true),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
    }
}
