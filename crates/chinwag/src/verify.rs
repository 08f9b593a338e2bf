//! `chinwag verify`: reads the whole database and says what is wrong with it.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use chinwag_server::upkeep::{self, Verified};

use crate::settings::{self, Settings};

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Flags {
    /// A backup. [default: the database in the data folder]
    file: Option<PathBuf>,
    #[command(flatten)]
    serve: settings::Flags,
}

pub(crate) fn run(flags: &Flags) -> anyhow::Result<()> {
    let started = Instant::now();
    let folder = Settings::of(&flags.serve)?.data()?;
    let verified = upkeep::verify(&folder, flags.file.as_deref())?;
    let took = started.elapsed().as_secs_f64();
    let a_second = verified.events as f64 / took;
    println!("{}, in {took:.1} s ({a_second:.0} events a second)", contents(&verified));
    for finding in &verified.findings {
        println!("{finding}");
    }
    if verified.more > 0 {
        println!("and {} more", verified.more);
    }
    match verified.findings.len() as u64 + verified.more {
        0 => println!("nothing is wrong"),
        wrong => bail!("{wrong} things are wrong"),
    }
    Ok(())
}

/// What is in a database, in words.
pub(crate) fn contents(verified: &Verified) -> String {
    let Verified { events, rooms, users, bytes, .. } = verified;
    let mb = *bytes as f64 / 1e6;
    format!("{events} events in {rooms} rooms, {users} accounts, {mb:.1} MB")
}
