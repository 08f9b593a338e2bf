//! The server as a library: sockets, threads, HTTP, and the two doors to one corridor.
//!
//! Reading order is the order of the modules below. A message's way, with file names, is in
//! `ARCHITECTURE.md`.

mod accept;
pub mod admin;
pub mod app;
pub mod asyncapi;
mod auth;
mod clock;
mod commands;
pub mod config;
pub mod doctor;
mod http;
mod online;
pub mod openapi;
#[cfg(any(test, fuzzing))]
pub mod parsers;
mod probe;
mod queries;
mod receipts;
pub mod run;
mod shard;
mod stream;
mod telemetry;
mod throttle;
mod tls;
pub mod traces;
pub mod upkeep;
mod web;
