//! The wire's types for the web app, in one file that a test keeps equal to what is committed.

use ts_rs::{Config, TS};

use crate::{code, frame, rest};

/// The whole of `web/src/api/types.ts`.
#[must_use]
pub fn types() -> String {
    let head = "// Generated from crates/proto. Write it anew with: cargo xtask types\n".to_owned();
    frames()
        .into_iter()
        .chain(bodies())
        .fold(head, |file, declaration| format!("{file}\nexport {declaration}\n"))
}

macro_rules! declare {
    ($($type:ty),+ $(,)?) => {{
        let config = Config::new().with_large_int("number");
        vec![$(<$type>::decl(&config)),+]
    }};
}

/// What goes over the WebSocket.
fn frames() -> Vec<String> {
    declare!(
        code::ErrorCode,
        code::Problem,
        frame::Hello,
        frame::MessageSend,
        frame::MessageDelete,
        frame::RoomList,
        frame::RoomGet,
        frame::RoomSync,
        frame::ReceiptSet,
        frame::DraftSet,
        frame::TypingSet,
        frame::PresenceWatch,
        frame::ClientFrame,
        frame::Limits,
        frame::Ready,
        frame::Event,
        frame::Reply,
        frame::ErrorFrame,
        frame::SignalFrame,
        frame::ReceiptFrame,
        frame::Lagged,
        frame::Drain,
        frame::ServerFrame,
    )
}

/// What goes over REST.
fn bodies() -> Vec<String> {
    declare!(
        rest::Register,
        rest::Login,
        rest::RefreshBy,
        rest::Refresh,
        rest::Tokens,
        rest::PasswordChange,
        rest::PasswordReset,
        rest::Me,
        rest::MePatch,
        rest::MeDelete,
        rest::UserName,
        rest::Users,
        rest::Session,
        rest::Sessions,
        rest::RankPut,
        rest::InviteCreate,
        rest::Invite,
        rest::Invites,
        rest::ResetLink,
        rest::Installation,
        rest::Addresses,
        rest::Room,
        rest::Receipts,
        rest::Rooms,
        rest::RoomCreate,
        rest::RoomPatch,
        rest::Keyed,
        rest::MemberPut,
        rest::Member,
        rest::Members,
        rest::MessagePost,
        rest::Posted,
        rest::Messages,
        rest::Events,
        rest::Receipt,
        rest::MemberReceipt,
        rest::MemberReceipts,
        rest::DraftPut,
        rest::Presence,
        rest::Presences,
        rest::Typing,
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_types_are_the_wire_s() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/api/types.ts");
        let want = super::types();
        if std::env::var_os("CHINWAG_WRITE").is_some() {
            std::fs::write(path, &want).expect("web/src/api can be written");
        }
        let committed = std::fs::read_to_string(path).expect("web/src/api/types.ts");
        assert!(committed == want, "web/src/api/types.ts is not the wire's: run cargo xtask types");
    }
}
