//! The lean half of the framing: what a server sends, and no more than that.
//!
//! The wire's own codec would check what is checked in its tests already, and the load must stay
//! ahead of the floors.

use anyhow::{Result, bail};

/// A frame of a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'i> {
    /// Text, or the bytes that NATS sends in its place.
    Data(&'i [u8]),
    Ping(&'i [u8]),
    Close(&'i [u8]),
}

/// The next whole frame of `input`, which moves past it; none where its end has not come.
pub(super) fn next<'i>(input: &mut &'i [u8]) -> Result<Option<Frame<'i>>> {
    let &[first, second, ref rest @ ..] = *input else {
        return Ok(None);
    };
    let (length, rest) = match second {
        0..126 => (usize::from(second), rest),
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (usize::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length) as usize, rest),
            None => return Ok(None),
        },
        _ => bail!("a server's frame is masked"),
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let frame = match first {
        0x81 | 0x82 => Frame::Data(payload),
        0x89 => Frame::Ping(payload),
        0x88 => Frame::Close(payload),
        other => bail!("a frame that no server here sends begins with {other:#04x}"),
    };
    *input = rest;
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use chinwag_proto::ws::encode;

    use super::{Frame, next};

    #[test]
    fn frames_come_out_whole_wherever_the_stream_is_cut() {
        let texts: Vec<Vec<u8>> = [0, 5, 125, 126, 70_000].map(|bytes| vec![b'a'; bytes]).into();
        let stream: Vec<u8> = texts.iter().flat_map(|text| encode::text(text)).collect();
        for cut in (0..stream.len()).step_by(97) {
            let mut first = &stream[..cut];
            let mut found = 0;
            while let Some(frame) = next(&mut first).expect("the stream is right") {
                assert_eq!(frame, Frame::Data(&texts[found]));
                found += 1;
            }
            let mut rest = &stream[cut - first.len()..];
            while let Some(frame) = next(&mut rest).expect("the stream is right") {
                assert_eq!(frame, Frame::Data(&texts[found]));
                found += 1;
            }
            assert_eq!(found, texts.len());
        }
    }

    #[test]
    fn what_no_server_sends_is_refused() {
        for stream in [b"\x81\x80\0\0".as_slice(), b"\x83\0", b"\x01\0"] {
            assert!(next(&mut &*stream).is_err());
        }
    }
}
