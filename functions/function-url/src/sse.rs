//! Events in a stream of server-sent events (WHATWG HTML, section 9.2).

use bytes::Bytes;
use tokencast_aws::event_json::{EventJson, kind};
use tokencast_core::event::TokenEvent;
use tokencast_core::time::Timestamp;

/// Shows proxies that the stream is alive, which would cut a silent one. Readers skip it.
pub const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// The body of a stream without events. A response must have a byte, or some accounts keep it open for many minutes.
pub const NO_EVENTS: Bytes = Bytes::from_static(b": no events\n\n");

/// The lines of one event, and the empty line that ends it. JSON has no line breaks of its own.
pub fn frame(event: &TokenEvent, now: Timestamp) -> Bytes {
    let (id, kind) = (event.position(), kind(event));
    let data = EventJson::new(event, now).to_json();
    format!("id: {id}\nevent: {kind}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use tokencast_core::block::Piece;
    use tokencast_core::event::Ending;
    use tokencast_core::id::{Attempt, Sequence};
    use tokencast_core::session::Status;

    use super::*;

    #[test]
    fn a_frame_is_four_lines_whatever_is_in_it() {
        let mut event = TokenEvent {
            session_id: "67e55044-10b1-426f-9247-bb680e5fe0c8"
                .parse()
                .expect("an id"),
            attempt: Attempt(2),
            sequence: Sequence(3),
            piece: Some(Piece::text("a\r\nid: 9\n\ndata: \u{2028}x\0é")),
            status: Status::Streaming,
            ending: None,
        };
        let framed = frame(&event, Timestamp::EPOCH);
        let text = std::str::from_utf8(&framed).expect("UTF-8");
        let lines: Vec<_> = text.split('\n').collect();
        assert_eq!((lines[0], lines[1]), ("id: 2.3", "event: token"));
        let json = lines[2].strip_prefix("data: ").expect("data");
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(json["token"], event.token());
        assert_eq!(lines[3..], ["", ""]);
        assert!(!text.contains('\r'));

        event.piece = None;
        event.ending = Some(Ending::default());
        for (status, kind) in [
            (Status::Completed, "complete"),
            (Status::Cancelled, "complete"),
            (Status::Failed, "error"),
        ] {
            event.status = status;
            let framed = frame(&event, Timestamp::EPOCH);
            let text = std::str::from_utf8(&framed).expect("UTF-8");
            assert!(text.contains(&format!("\nevent: {kind}\n")), "{text}");
        }
    }
}
