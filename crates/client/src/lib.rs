//! The client as a library: how it comes to the server ([`link`]), what it makes of what it is told
//! ([`sync`]), and where it keeps what it has not said yet ([`outbox`]).
//!
//! - **same cases**: `cases/sync/*.json` say what [`sync::Sync`] does; the web app's twin runs them too.
//! - **no I/O in sync**: it reads no socket, clock or random number; [`link`] does, and knows no room.

pub mod link;
pub mod outbox;
pub mod sync;
