//! For tests only: the ledger and its checker, which every suite that moves messages ends with, and the
//! simulator, in which the real hub, outbox and client live through what goes wrong.
//!
//! Reading order: [`ledger`], [`check`], [`world`]. The checker shows that it can see: each of
//! [`world::Bug`] is planted by a test and must be found.

pub mod check;
pub mod ledger;
pub mod parsers;
pub mod random;
pub mod server;
pub mod world;
