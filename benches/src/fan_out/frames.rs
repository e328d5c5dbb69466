//! WebSocket frames, as little of them as a client of a benchmark needs: the reader of 10,000 sockets must not be what
//! is measured.

use bytes::{Buf as _, Bytes, BytesMut};

const TEXT: u8 = 0x81;
const MASKED: u8 = 0x80;
/// Instead of a length: it follows in two bytes, or in eight.
const MEDIUM: u8 = 0x7e;
const LONG: u8 = 0x7f;

/// A client's text frame. The mask is all zeros, which is a mask like any other.
pub(super) fn masked_text(text: &str) -> Vec<u8> {
    let mut frame = head(text.len(), MASKED);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A server's text frame.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut frame = head(text.len(), 0);
    frame.extend_from_slice(text.as_bytes());
    frame
}

fn head(length: usize, mask: u8) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < MEDIUM => vec![TEXT, mask | short],
        (_, Ok(medium)) => [&[TEXT, mask | MEDIUM][..], &medium.to_be_bytes()].concat(),
        _ => [
            &[TEXT, mask | LONG][..],
            &u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes(),
        ]
        .concat(),
    }
}

/// The payload of the next server's frame that is there as a whole; it is taken out.
pub(super) fn take(bytes: &mut BytesMut) -> Option<Bytes> {
    let (&second, rest) = bytes.get(1..)?.split_first()?;
    let (head, length) = match second & !MASKED {
        126 => (
            4,
            u64::from(u16::from_be_bytes(rest.first_chunk().copied()?)),
        ),
        LONG => (10, u64::from_be_bytes(rest.first_chunk().copied()?)),
        short => (2, u64::from(short)),
    };
    let length = usize::try_from(length).ok()?;
    if bytes.len() < head + length {
        return None;
    }
    bytes.advance(head);
    Some(bytes.split_to(length).freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_come_out_as_they_went_in() {
        let texts = [0, 1, 125, 126, 65_535, 65_536].map(|length| "x".repeat(length));
        let all: Vec<u8> = texts.iter().flat_map(|each| text(each)).collect();
        let (mut bytes, mut taken) = (BytesMut::new(), Vec::new());
        for byte in all {
            bytes.extend_from_slice(&[byte]);
            taken.extend(take(&mut bytes));
        }
        assert_eq!(taken, texts.map(Bytes::from));
        assert!(bytes.is_empty());
    }
}
