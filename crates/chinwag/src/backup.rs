//! `chinwag backup FILE`: the database in one file, while the server runs or not.

use std::path::PathBuf;
use std::time::Instant;

use chinwag_server::upkeep;

use crate::settings::{self, Settings};
use crate::verify::contents;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Flags {
    /// Where to. It is written under this name with `.part`, verified, and named at the end.
    file: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    serve: settings::Flags,
}

pub(crate) fn run(flags: &Flags) -> anyhow::Result<()> {
    let started = Instant::now();
    let folder = Settings::of(&flags.serve)?.data()?;
    let verified = upkeep::backup(&folder, &flags.file, flags.force)?;
    let (file, took) = (flags.file.display(), started.elapsed().as_secs_f64());
    println!("{file}: {}, in {took:.1} s, verified", contents(&verified));
    Ok(())
}
