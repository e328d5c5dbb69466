//! A message in frames that API Gateway takes: it closes a connection (1009) over a longer one.

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Of all frames of a message together. API Gateway's quota is 128 KB.
pub(super) const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// API Gateway's quota is 32 KB. With room for the frame's header, lest that counts.
const MAX_FRAME_BYTES: usize = 32 * 1024 - 64;

/// The message: the first frame is a text, those that continue it follow, and the last one is final.
pub(super) fn frames(text: String) -> Vec<Message> {
    if text.len() <= MAX_FRAME_BYTES {
        return vec![Message::text(text)];
    }
    let pieces = text.as_bytes().chunks(MAX_FRAME_BYTES);
    let last = pieces.len() - 1;
    pieces
        .enumerate()
        .map(|(index, piece)| {
            let data = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let frame = Frame::message(piece.to_vec(), OpCode::Data(data), index == last);
            Message::Frame(frame)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_where_a_frame_is_full() {
        for (bytes, expected) in [
            (1, vec![1]),
            (MAX_FRAME_BYTES, vec![MAX_FRAME_BYTES]),
            (MAX_FRAME_BYTES + 1, vec![MAX_FRAME_BYTES, 1]),
            (3 * MAX_FRAME_BYTES, vec![MAX_FRAME_BYTES; 3]),
        ] {
            let frames = frames("x".repeat(bytes));
            // A frame's own length has its header.
            let length = |message: &Message| match message {
                Message::Frame(frame) => frame.payload().len(),
                message => message.len(),
            };
            let lengths: Vec<_> = frames.iter().map(length).collect();
            assert_eq!(lengths, expected, "{bytes} bytes");
            let finals = frames.iter().filter(|frame| match frame {
                Message::Frame(frame) => frame.header().is_final,
                _ => true,
            });
            assert_eq!(finals.count(), 1, "{bytes} bytes");
        }
    }
}
