//! What reads: one file a query. Each is answered from one snapshot of the database, in which the
//! rights of the one who asks are looked up too.

pub(crate) mod addresses;
pub(crate) mod convert;
pub(crate) mod export;
pub(crate) mod installation;
pub(crate) mod invites;
pub(crate) mod log;
pub(crate) mod me;
pub(crate) mod members;
pub(crate) mod presence;
pub(crate) mod receipts;
pub(crate) mod room_get;
pub(crate) mod rooms;
pub(crate) mod sessions;
pub(crate) mod socket;
pub(crate) mod timeline;
pub(crate) mod users;
