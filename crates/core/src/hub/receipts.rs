//! Ticks on their way: to who reads the room, and after its snapshot to who was just joining.

use super::room::LocalRoom;
use super::{Close, Conn, Hub, Output, Outputs};
use crate::event::{ConnId, Signal};
use crate::id::{RoomId, UserId};
use crate::limit::JOIN_HOLD_EVENTS_MAX;
use crate::receipt::Receipts;

impl Hub {
    /// Tells a room's readers how far all have come, and those who read unseen only what was delivered.
    pub(super) fn receipt(
        &mut self,
        room: RoomId,
        receipts: Receipts,
        delivered_moved: bool,
        out: &mut Outputs,
    ) {
        if self.joining > 0 {
            self.receipts_passed += 1;
            self.held_receipts.insert(room, (self.receipts_passed, receipts));
            self.bound_held_receipts(out);
        }
        let readers = self.rooms.get(&room).into_iter().flat_map(LocalRoom::everyone);
        let shares = |slot: &u32| shares_read(&self.conns, *slot);
        let (open, quiet): (Vec<u32>, Vec<u32>) = readers.partition(shares);
        out.signal(Signal::Receipt { room, receipts, delivered_moved }, open);
        if delivered_moved {
            let receipts = receipts.without_read();
            out.signal(Signal::Receipt { room, receipts, delivered_moved }, quiet);
        }
    }

    /// More rooms had news than can be held: what is older than all who are still joining goes, and
    /// where that is not enough they come back.
    fn bound_held_receipts(&mut self, out: &mut Outputs) {
        if self.held_receipts.len() <= JOIN_HOLD_EVENTS_MAX {
            return;
        }
        let joining = self.conns.iter().flatten().filter(|conn| conn.joining_from.is_some());
        let oldest = joining.map(|conn| conn.receipts_from).min().unwrap_or(u64::MAX);
        self.held_receipts.retain(|_, (number, _)| *number > oldest);
        if self.held_receipts.len() <= JOIN_HOLD_EVENTS_MAX {
            return;
        }
        self.held_receipts.clear();
        for (slot, conn) in self.conns.iter().enumerate() {
            if let Some(conn) = conn.as_ref().filter(|conn| conn.joining_from.is_some()) {
                let conn = ConnId { slot: slot as u32, generation: conn.generation };
                out.list.push(Output::Close { conn, why: Close::Restart });
            }
        }
    }

    /// Tells a connection what passed while its snapshot was read. A switch may have set reading back,
    /// which is believed only after nothing.
    pub(super) fn tell_receipts_passed(&mut self, slot: u32, out: &mut Outputs) {
        let shares = shares_read(&self.conns, slot);
        let Some(conn) = self.conns[slot as usize].as_ref() else {
            return;
        };
        for &room in &conn.rooms {
            let held = self.held_receipts.get(&room);
            let Some(&(_, receipts)) = held.filter(|(number, _)| *number > conn.receipts_from)
            else {
                continue;
            };
            let told = [receipts.without_read(), receipts];
            for receipts in &told[..1 + usize::from(shares && receipts.read.is_some())] {
                let signal = Signal::Receipt { room, receipts: *receipts, delivered_moved: true };
                out.signal(signal, [slot]);
            }
        }
    }

    pub(super) fn read_shared(&mut self, user: UserId, on: bool) {
        for conn in self.conns.iter_mut().flatten().filter(|conn| conn.user == user) {
            conn.shares_read = Some(on);
        }
    }
}

/// False where the user of a connection reads unseen.
fn shares_read(conns: &[Option<Conn>], slot: u32) -> bool {
    let conn = conns.get(slot as usize).and_then(Option::as_ref);
    conn.and_then(|conn| conn.shares_read).unwrap_or(false)
}
