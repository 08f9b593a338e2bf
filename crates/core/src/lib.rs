//! What is true: ids, text, rights, events, limits and the hub's state machine.
//!
//! Nothing here does I/O, reads a clock, draws a random number, spawns, locks or knows SQL. Time and
//! randomness come in as arguments, so that all of it runs in a simulator with a seed.
//!
//! Reading order is the order of the modules below. The crate's invariants, by the names that
//! `ARCHITECTURE.md` uses:
//!
//! - **permit**: only [`access::authorise`] makes a [`access::Permit`].
//! - **one order**: a room's events leave the [`hub::Hub`] by `seq`, each once, to those who read
//!   the room at that `seq`.
//! - **no I/O**: see above; `clippy.toml` beside this crate bans the calls.

pub mod access;
pub mod body;
pub mod event;
pub mod hub;
pub mod id;
pub mod limit;
pub mod outbox;
pub mod profile;
pub mod receipt;
pub mod text;
