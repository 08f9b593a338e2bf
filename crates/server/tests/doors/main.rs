//! The whole server from outside, through both of its doors: the REST door and the WebSocket.
//!
//! - [`matrix`]: who may do what, generated over every route and every command.
//! - [`codes`], [`limits`]: every error code, close code and limit that a client can reach.
//! - [`corpus`]: malformed requests and frames; nothing breaks and nothing changes.
//! - [`absence`]: what silence leads to.
//! - [`accounts`], [`invites`]: people and their sessions.
//! - [`drain`]: what a server that leaves still does for those who come by HTTP.
//! - [`headers`], [`documents`]: what every answer has, and what the documents promise.
//! - [`chat`], [`resume`]: messages, rooms and what one missed.
//! - [`tls`]: the main port by a certificate of its own.
//! - [`canary`]: secrets stay where they belong.
//!
//! One program, because linking it is most of what it costs.

mod absence;
mod accounts;
mod acme;
mod canary;
mod chat;
mod codes;
mod corpus;
mod documents;
mod drain;
mod headers;
mod invites;
mod limits;
mod matrix;
mod resume;
mod schema;
mod tls;
