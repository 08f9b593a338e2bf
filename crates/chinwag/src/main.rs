//! The chat server that starts with one command.

mod admin;
mod backup;
mod config;
mod doctor;
mod healthcheck;
mod logging;
mod moment;
mod notify;
mod options;
mod restore;
mod serve;
mod settings;
mod verify;

use clap::{Parser, Subcommand};

use settings::Flags;

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
    serve: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until a signal says stop (the default).
    Serve(Flags),
    /// Show every option: its value, who said so, and what it means.
    Config(config::Arguments),
    /// Do what the operator does: accounts, rooms, sessions, invites, registration, the audit log.
    Admin(admin::Arguments),
    /// Look at configuration, folder, disk, clock, ports, the way from outside and the database.
    Doctor(doctor::Arguments),
    /// Ask the server on this machine whether it is ready: 0 if so, else 1 and the reason.
    Healthcheck(Flags),
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
        Some(Command::Serve(flags)) => serve::run(&flags),
        Some(Command::Config(arguments)) => config::run(&arguments),
        Some(Command::Admin(arguments)) => admin::run(arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Healthcheck(flags)) => healthcheck::run(&flags),
        Some(Command::Backup(flags)) => backup::run(&flags),
        Some(Command::Restore(flags)) => restore::run(&flags),
        Some(Command::Verify(flags)) => verify::run(&flags),
        None => serve::run(&arguments.serve),
    }
}
