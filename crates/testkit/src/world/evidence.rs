//! What the checker is given at the end: the log, what the doors show, what the clients show.

use chinwag_client::sync::{PageAt, Room, Sync};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_proto::frame;

use super::World;
use super::reading::TIMELINE_PAGE;
use crate::check::{DeviceView, Evidence, Line, MemberView, RoomHistory, RoomView};
use crate::ledger::text_hash;

impl World {
    pub(super) fn evidence(&self) -> Evidence {
        let store = self.model.rooms.iter().map(|(&room, state)| RoomHistory {
            room,
            kind: state.kind,
            history: state.history,
            head: state.head,
            events: state.events.clone(),
        });
        let members = self.users.iter().map(|&user| self.member_view(user));
        let mut devices = Vec::new();
        for device in &self.devices {
            let mut sync = device.sync.clone();
            devices
                .push(DeviceView { device: device.id, rooms: sync.rooms().map(shown).collect() });
            self.load_all(device.id.user, &mut sync);
            devices
                .push(DeviceView { device: device.id, rooms: sync.rooms().map(shown).collect() });
        }
        let quiet = self.model.quiet.iter().copied().collect();
        Evidence { store: store.collect(), members: members.collect(), devices, quiet }
    }

    fn member_view(&self, user: UserId) -> MemberView {
        let rooms = self.model.rooms.keys().filter_map(|&room| {
            let info = self.model.room_info(user, room)?;
            Some(RoomView {
                room,
                head_seq: info.head_seq,
                n: info.n,
                read_seq: info.read_seq,
                read_n: info.read_n,
                receipts: Some(self.model.receipts_for(user, room)),
                from: Seq::ZERO,
                timeline: self.timeline(user, room),
            })
        });
        MemberView { user, rooms: rooms.collect() }
    }

    /// The whole timeline as the user may see it, page by page.
    fn timeline(&self, user: UserId, room: RoomId) -> Vec<Line> {
        let (mut lines, mut before) = (Vec::new(), None);
        while let Some(page) = self.model.timeline_page(user, room, before) {
            let Some(first) = page.messages.first() else {
                break;
            };
            before = Some(first.seq);
            lines.splice(0..0, page.messages.iter().map(line));
        }
        lines
    }

    /// Scrolls every room of a client up to its beginning.
    fn load_all(&self, user: UserId, sync: &mut Sync) {
        let rooms: Vec<RoomId> = sync.rooms().map(|room| room.info().id).collect();
        for room in rooms {
            let (mut at, mut before) = (PageAt::Newest, None);
            while let Some(page) = self.model.timeline_page(user, room, before) {
                let first = page.messages.first().map(|first| first.seq);
                if sync.page(room, at, TIMELINE_PAGE, page).is_err() || first.is_none() {
                    break;
                }
                before = first;
                at = first.map_or(PageAt::Newest, PageAt::Before);
            }
        }
    }
}

fn shown(room: &Room) -> RoomView {
    let info = room.info();
    RoomView {
        room: info.id,
        head_seq: room.cursor(),
        n: info.n,
        read_seq: info.read_seq,
        read_n: info.read_n,
        receipts: Some(info.receipts.into()),
        from: room.timeline().known_from().unwrap_or(room.cursor().next()),
        timeline: room.timeline().newest().map(line).collect(),
    }
}

fn line(event: &frame::Event) -> Line {
    let text = event.body.as_ref().and_then(|body| body.get("text")?.as_str());
    Line { seq: event.seq, key: event.key, hash: text.map(text_hash) }
}
