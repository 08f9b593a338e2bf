//! `chinwag restore FILE`: a backup in the place of the database, while the server does not run.

use std::path::PathBuf;

use chinwag_server::upkeep::{self, Carried, Restored};

use crate::settings::{self, Settings};
use crate::verify::contents;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Flags {
    /// The backup.
    file: PathBuf,
    /// Put a database that is there aside. It still tells what was deleted since the backup.
    #[arg(long)]
    replace: bool,
    /// Do not ask the database that is there: what was deleted since the backup comes back, and everybody
    /// has to sign in again.
    #[arg(long, requires = "replace")]
    without_old: bool,
    #[command(flatten)]
    serve: settings::Flags,
}

pub(crate) fn run(flags: &Flags) -> anyhow::Result<()> {
    let folder = Settings::of(&flags.serve)?.data()?;
    let Restored { verified, carried, aside } =
        upkeep::restore(&folder, &flags.file, flags.replace, flags.without_old)?;
    println!("{}: {}, verified", folder.display(), contents(&verified));
    match carried {
        Some(Carried { messages, drafts, accounts, memberships, roles }) => println!(
            "Taken away again, as the database of before has it: {messages} messages, {drafts} drafts, \
             {accounts} accounts, {memberships} memberships; {roles} roles are as they were last. Who was \
             signed in still is."
        ),
        None => println!(
            "Nothing told what was taken away since the backup: deleted messages are back, all sessions, \
             invites and reset links have ended."
        ),
    }
    if let Some(aside) = aside {
        println!(
            "The database of before is {}: remove it once nobody misses anything.",
            aside.display()
        );
    }
    Ok(())
}
