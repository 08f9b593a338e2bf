//! What a store must do, whatever database lies below: the modules in `contract/` know no more of it
//! than [`open`], so another database mounts them unchanged.

#[path = "contract/world.rs"]
mod world;

#[path = "contract/accounts.rs"]
mod accounts;
#[path = "contract/deletion.rs"]
mod deletion;
#[path = "contract/drafts.rs"]
mod drafts;
#[path = "contract/durability.rs"]
mod durability;
#[path = "contract/keys.rs"]
mod keys;
#[path = "contract/log.rs"]
mod log;
#[path = "contract/members.rs"]
mod members;
#[path = "contract/model.rs"]
mod model;
#[path = "contract/opening.rs"]
mod opening;
#[path = "contract/operator.rs"]
mod operator;
#[path = "contract/paging.rs"]
mod paging;
#[path = "contract/receipts.rs"]
mod receipts;
#[path = "contract/rooms.rs"]
mod rooms;
#[path = "contract/sessions.rs"]
mod sessions;
#[path = "contract/unread.rs"]
mod unread;
#[path = "contract/visibility.rs"]
mod visibility;

use world::World;

/// An empty installation on the database under test.
fn open() -> World {
    World::in_folder(tempfile::tempdir().expect("a folder of its own"))
}
