//! The frames of one wake-up, and who gets which: collected first, then written with one system
//! call for all that waits for one reader.
//!
//! A frame is kept once. What a reader gets is a list of links through one shared vector, so that a
//! delivery costs eight bytes and allocates nothing once the vectors have grown.

use bytes::Bytes;
use chinwag_core::outbox::Class;
use chinwag_proto::stream::{self, Framing};

/// No link.
const END: u32 = u32::MAX;

/// A reader's place in the wave: its first and last link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    first: u32,
    last: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self { first: END, last: END }
    }
}

#[derive(Debug, Clone, Copy)]
struct Link {
    frame: u32,
    next: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Wave {
    frames: Vec<(Bytes, Class)>,
    links: Vec<Link>,
    /// The slots that have a chain.
    pub dirty: Vec<u32>,
    /// The frame that was last made a piece of an event stream, and that piece. All readers of a frame
    /// are given it one after the other.
    last_piece: Option<(u32, Framing, u32)>,
}

impl Wave {
    /// Keeps a frame for this wave.
    pub(super) fn frame(&mut self, bytes: Bytes, class: Class) -> u32 {
        self.frames.push((bytes, class));
        (self.frames.len() - 1) as u32
    }

    /// The same as a piece of an event stream.
    pub(super) fn piece(&mut self, frame: u32, framing: Framing) -> u32 {
        match self.last_piece {
            Some((of, same, piece)) if (of, same) == (frame, framing) => piece,
            _ => {
                let (bytes, class) = &self.frames[frame as usize];
                let (bytes, class) = (stream::piece(bytes, framing), *class);
                let piece = self.frame(bytes, class);
                self.last_piece = Some((frame, framing, piece));
                piece
            }
        }
    }

    /// Gives a kept frame to the reader in `slot`, behind what it gets already.
    pub(super) fn give(&mut self, frame: u32, slot: u32, chain: &mut Chain) {
        let link = self.links.len() as u32;
        self.links.push(Link { frame, next: END });
        if chain.first == END {
            chain.first = link;
            self.dirty.push(slot);
        } else {
            self.links[chain.last as usize].next = link;
        }
        chain.last = link;
    }

    /// The frame of a chain that has just one, which on a quiet server is every chain.
    pub(super) fn only(&self, chain: Chain) -> Option<&(Bytes, Class)> {
        if chain.first != chain.last {
            return None;
        }
        let link = self.links.get(chain.first as usize)?;
        self.frames.get(link.frame as usize)
    }

    /// The frames of a chain, in order.
    pub(super) fn frames(&self, chain: Chain) -> impl Iterator<Item = &(Bytes, Class)> {
        let mut at = chain.first;
        std::iter::from_fn(move || {
            let link = self.links.get(at as usize)?;
            at = link.next;
            self.frames.get(link.frame as usize)
        })
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.links.clear();
        self.dirty.clear();
        self.last_piece = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_its_frames_in_order() {
        let mut wave = Wave::default();
        let mut chains = [Chain::default(); 3];
        let frames: Vec<u32> = ["a", "b", "c"]
            .map(|text| wave.frame(Bytes::from_static(text.as_bytes()), Class::Reply))
            .to_vec();
        for (frame, slots) in [(0, vec![0, 1]), (1, vec![1]), (2, vec![0, 1])] {
            for slot in slots {
                wave.give(frames[frame], slot, &mut chains[slot as usize]);
            }
        }
        let got = |slot: usize| -> Vec<&[u8]> {
            wave.frames(chains[slot]).map(|(bytes, _)| &bytes[..]).collect()
        };
        assert_eq!(
            (got(0), got(1), got(2)),
            (vec![&b"a"[..], b"c"], vec![&b"a"[..], b"b", b"c"], vec![])
        );
        assert_eq!(wave.dirty, [0, 1]);
    }

    #[test]
    fn a_frame_becomes_a_piece_once_for_all_its_readers() {
        let mut wave = Wave::default();
        let frame = wave.frame(chinwag_proto::ws::encode::text(b"{}"), Class::Signal);
        let pieces = [Framing::Bare, Framing::Bare, Framing::Chunked, Framing::Chunked]
            .map(|framing| wave.piece(frame, framing));
        assert!(pieces[0] == pieces[1] && pieces[2] == pieces[3], "{pieces:?}");
        let kept = |piece: u32| (&wave.frames[piece as usize].0[..], wave.frames[piece as usize].1);
        assert_eq!(kept(pieces[0]), (&b"data: {}\n\n"[..], Class::Signal));
        assert_eq!(kept(pieces[2]), (&b"a\r\ndata: {}\n\n\r\n"[..], Class::Signal));
    }
}
