//! `chinwag admin`: what the operator does, on a running server and on a stopped one.

mod show;

use anyhow::bail;
use chinwag_server::admin::{self, Act, RoomId, SessionId, Who};
use chinwag_server::config::Config;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::settings::{GlobalFlags, Settings};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: GlobalFlags,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Accounts: list, show, rank, delete, reset.
    #[command(subcommand)]
    Users(Users),
    /// Rooms: list, show, members.
    #[command(subcommand)]
    Rooms(Rooms),
    /// Signed-in devices and browsers: list, revoke.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Invites to the installation: list, make, revoke.
    #[command(subcommand)]
    Invites(Invites),
    /// Who may register: show it, or set it where the configuration does not say.
    Registration {
        /// `default` leaves it to the default again.
        #[arg(value_name = "WHO", value_parser = registrations())]
        to: Option<String>,
    },
    /// The limits that people meet.
    Limits,
    /// How much of everything there is.
    Statistics,
    /// Who did what to the installation and its people, the newest first.
    Audit {
        /// Only what is older than the line of this number.
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
        /// Lines at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

#[derive(Debug, Subcommand)]
enum Users {
    /// All accounts, by the time they were made.
    List(Page),
    /// One account.
    Show { who: String },
    /// Give an account a rank in the installation.
    Rank {
        who: String,
        #[arg(value_parser = PossibleValuesParser::new(Act::ranks()))]
        rank: String,
    },
    /// Erase an account. Its messages stay, from a nameless user.
    Delete {
        who: String,
        /// Do it: there is no way back.
        #[arg(long)]
        yes: bool,
    },
    /// Print a link with which this user sets a new password; good once, for a day.
    Reset { who: String },
}

#[derive(Debug, Subcommand)]
enum Rooms {
    /// All rooms but the notes to oneself, by the time they were made.
    List(Page),
    /// One room.
    Show { room: RoomId },
    /// Who is in a room.
    Members {
        room: RoomId,
        #[command(flatten)]
        page: Page,
    },
}

#[derive(Debug, Subcommand)]
enum Sessions {
    /// The sessions of a user.
    List { who: String },
    /// End a session, or all of a user: their sockets close at once.
    Revoke {
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        session: Option<SessionId>,
        /// All sessions of this user.
        #[arg(long, value_name = "WHO")]
        user: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Invites {
    /// Those that are open.
    List,
    /// Print a link with which people make an account.
    Make {
        /// How many people may use it.
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// Days that it is good for.
        #[arg(long, default_value_t = 7)]
        days: u32,
    },
    /// Let nobody in by it any more.
    Revoke { code: String },
}

#[derive(Debug, Args)]
struct Page {
    /// Only what comes after: the id that the page before ended with.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Rows at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// What stands for no word of the operator's.
const DEFAULT: &str = "default";

fn registrations() -> PossibleValuesParser {
    PossibleValuesParser::new(Act::registrations().chain([DEFAULT]))
}

/// Does one act and prints what it came to.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config::new(Settings::of(&arguments.flags.0)?.raw()?)?;
    let answer = admin::act(&config, &act(arguments.what)?)?;
    if arguments.json {
        println!("{:#}", answer.json());
    } else {
        print!("{}", show::people(&answer));
    }
    Ok(())
}

fn act(what: What) -> anyhow::Result<Act> {
    Ok(match what {
        What::Users(users) => of_users(users)?,
        What::Rooms(rooms) => of_rooms(rooms)?,
        What::Sessions(Sessions::List { who }) => Act::SessionsList { who: Who(who) },
        What::Sessions(Sessions::Revoke { session: Some(session), .. }) => {
            Act::SessionRevoke { session }
        }
        What::Sessions(Sessions::Revoke { session: None, user }) => {
            Act::SessionsRevoke { who: Who(user.unwrap_or_default()) }
        }
        What::Invites(Invites::List) => Act::InvitesList,
        What::Invites(Invites::Make { uses, days }) => Act::InviteMake { uses, days },
        What::Invites(Invites::Revoke { code }) => Act::InviteRevoke { code },
        What::Registration { to: None } => Act::RegistrationShow,
        What::Registration { to: Some(to) } => {
            Act::RegistrationSet { registration: Some(to).filter(|to| to != DEFAULT) }
        }
        What::Limits => Act::Limits,
        What::Statistics => Act::Statistics,
        What::Audit { before, limit } => Act::Audit { before, limit },
    })
}

fn of_users(users: Users) -> anyhow::Result<Act> {
    Ok(match users {
        Users::List(Page { after, limit }) => Act::UsersList { after, limit },
        Users::Show { who } => Act::UserShow { who: Who(who) },
        Users::Rank { who, rank } => Act::UserRank { who: Who(who), rank },
        Users::Delete { who, yes: false } => bail!(
            "this erases the account of {who} and signs it out everywhere, with no way back; its \
             messages stay, from a nameless user. Say --yes to do it"
        ),
        Users::Delete { who, yes: true } => Act::UserDelete { who: Who(who) },
        Users::Reset { who } => Act::UserReset { who: Who(who) },
    })
}

fn of_rooms(rooms: Rooms) -> anyhow::Result<Act> {
    Ok(match rooms {
        Rooms::List(Page { after, limit }) => {
            Act::RoomsList { after: after.map(|id| id.parse()).transpose()?, limit }
        }
        Rooms::Show { room } => Act::RoomShow { room },
        Rooms::Members { room, page: Page { after, limit } } => {
            Act::RoomMembers { room, after, limit }
        }
    })
}
