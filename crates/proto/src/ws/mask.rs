//! Masking, which is its own inverse (RFC 6455 5.3).

/// The key of a frame that is not masked: applying it changes nothing.
pub(super) const NONE: [u8; 4] = [0; 4];

/// Masks or unmasks in place, eight bytes at a time (wider where the compiler vectorises the loop).
pub(super) fn apply(payload: &mut [u8], key: [u8; 4]) {
    if key == NONE {
        return;
    }
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// The key for what follows after `bytes` of the payload.
pub(super) fn advance(mut key: [u8; 4], bytes: usize) -> [u8; 4] {
    key.rotate_left(bytes % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::{advance, apply};

    #[test]
    fn every_length_and_cut_agrees_with_the_definition() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..64).collect();
        for length in 0..plain.len() {
            let expected: Vec<u8> = (0..length).map(|at| plain[at] ^ key[at % 4]).collect();
            for cut in 0..=length {
                let mut masked = plain[..length].to_vec();
                let (head, tail) = masked.split_at_mut(cut);
                apply(head, key);
                apply(tail, advance(key, cut));
                assert_eq!(masked, expected, "{length} bytes, cut at {cut}");
            }
        }
    }
}
