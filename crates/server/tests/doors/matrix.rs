//! The authorisation matrix: every route and every command, each principal, each kind of object, and
//! the answer that is expected. A route or a command without a row fails.

mod rest;
mod socket;
mod world;

use world::{PRINCIPALS, World};

/// One row: what is done, to what, and what each of [`PRINCIPALS`] gets.
struct Row {
    /// `METHOD /path` of the route, or the command's type.
    what: &'static str,
    /// The object and what else the case depends on.
    to: &'static str,
    expected: &'static str,
}

impl Row {
    fn cells(&self) -> Vec<&'static str> {
        let cells: Vec<_> = self.expected.split_whitespace().collect();
        let (what, to) = (self.what, self.to);
        assert_eq!(cells.len(), PRINCIPALS.len(), "{what} {to} has a hole");
        cells
    }
}

const fn row(what: &'static str, to: &'static str, expected: &'static str) -> Row {
    Row { what, to, expected }
}

/// Fails with all cells that are wrong, not the first.
fn check(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Everyone's list holds the rooms of that user and no other.
#[test]
fn lists_name_no_room_of_others() {
    let world = World::new();
    let group = world.room("group");
    for name in PRINCIPALS {
        let Some(user) = world.valid(name) else {
            continue;
        };
        let mine = user.get("/v1/rooms").expect(200).text();
        let listed = user.get("/v1/rooms?listed=true").expect(200).text();
        let (_, ready) = user.socket_ready();
        let inside = ["reader", "member", "admin", "owner"].contains(&name);
        let id = group.room.to_string();
        assert_eq!(mine.contains(&id), inside, "{name}'s list");
        assert_eq!(ready.to_string().contains(&id), inside, "{name}'s ready");
        assert!(!listed.contains(&id), "a group is listed to {name}");
    }
}
