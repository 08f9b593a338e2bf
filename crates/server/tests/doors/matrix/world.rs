//! The people of the matrix, and the rooms in which they try.

use chinwag_core::id::{RoomId, SessionId, UserId};
use chinwag_testkit::server::{Server, User, id};
use serde_json::json;

/// The columns. `host` owns the installation and is in none of the rooms, `signed_in` shares no room
/// with anyone, `former` was in the rooms and left, `revoked` is in them with a session that ended.
pub(super) const PRINCIPALS: [&str; 10] = [
    "stranger",
    "signed_in",
    "not_yet",
    "former",
    "reader",
    "member",
    "admin",
    "owner",
    "revoked",
    "host",
];

/// A word in every name and message that only members may see.
pub(super) const SECRET: &str = "hush";

pub(super) struct World {
    pub(super) server: Server,
    /// Each principal that has an account, and `spare`, who is in no room of the matrix.
    people: Vec<User>,
    direct: RoomId,
}

/// What a case is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object {
    pub(super) room: RoomId,
    /// A message of `member` in it (in `self`, of `owner`).
    pub(super) seq: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let server = Server::start();
        let mut people = vec![server.register("host")];
        people.extend(
            PRINCIPALS[1..9].iter().chain([&"spare"]).map(|handle| server.register(handle)),
        );
        let direct = named(&people, "member").direct(named(&people, "admin"));
        let world = Self { server, people, direct };
        let alone = world.user("signed_in");
        alone.leave(alone.general());
        let revoked = world.user("revoked");
        revoked.request("POST", "/v1/auth/logout").expect(204);
        world
    }

    pub(super) fn user(&self, name: &str) -> &User {
        named(&self.people, name)
    }

    /// The principal's account, unless it has none that is good.
    pub(super) fn valid(&self, name: &str) -> Option<&User> {
        (!matches!(name, "stranger" | "revoked")).then(|| self.user(name))
    }

    /// The access token, good or not.
    pub(super) fn token(&self, name: &str) -> Option<&str> {
        (name != "stranger").then(|| self.user(name).token.as_str())
    }

    pub(super) fn nobody() -> UserId {
        UserId::from_i64(7)
    }

    pub(super) fn no_session() -> SessionId {
        SessionId::from_i64(7)
    }

    pub(super) fn missing() -> Object {
        Object { room: RoomId::from_i64(7), seq: 3 }
    }

    /// A room of this kind with everyone in place; a new one where it can be.
    pub(super) fn room(&self, kind: &str) -> Object {
        match kind {
            "group" | "channel" => self.shared(kind),
            "direct" => {
                Object { room: self.direct, seq: self.user("member").say(self.direct, SECRET) }
            }
            "self" => {
                let room = self.user("owner").self_room();
                let seq = self.user("owner").say(room, SECRET);
                Object { room, seq }
            }
            "missing" => Self::missing(),
            other => panic!("no room of the kind {other}"),
        }
    }

    fn shared(&self, kind: &str) -> Object {
        let inside = ["former", "reader", "member", "admin", "revoked"];
        let members = inside.map(|name| self.user(name).id);
        let owner = self.user("owner");
        let body = json!({"kind": kind, "name": format!("{SECRET} {kind}"), "members": members});
        let made = owner.post("/v1/rooms", &body).expect(201).json();
        let room = id(&made["id"]);
        owner.put_member(room, self.user("reader"), "reader");
        owner.put_member(room, self.user("admin"), "admin");
        self.user("former").leave(room);
        let seq = self.user("member").say(room, SECRET);
        Object { room, seq }
    }
}

fn named<'a>(people: &'a [User], name: &str) -> &'a User {
    let found = people.iter().find(|user| user.handle == name);
    found.unwrap_or_else(|| panic!("nobody is {name}"))
}
