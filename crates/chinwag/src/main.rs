//! The chat server that starts with one command.

mod backup;
mod healthcheck;
mod logging;
mod notify;
mod restore;
mod serve;
mod verify;

use clap::{Parser, Subcommand};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Chinwag: a chat server in one binary. Without a command it serves.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until a signal says stop (the default).
    Serve(serve::Flags),
    /// Ask the server on this machine whether it is ready: 0 if so, else 1 and the reason.
    Healthcheck(serve::Flags),
    /// Copy the database into one file, while the server runs or not.
    Backup(backup::Flags),
    /// Put a backup in the database's place, while the server does not run.
    Restore(restore::Flags),
    /// Read the whole database and say what is wrong with it: 0 if nothing is, else 1.
    Verify(verify::Flags),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    logging::start()?;
    match arguments.command {
        Some(Command::Serve(flags)) => serve::run(flags),
        Some(Command::Healthcheck(flags)) => healthcheck::run(&flags),
        Some(Command::Backup(flags)) => backup::run(&flags),
        Some(Command::Restore(flags)) => restore::run(&flags),
        Some(Command::Verify(flags)) => verify::run(&flags),
        None => serve::run(arguments.serve),
    }
}
