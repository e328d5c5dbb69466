//! An event as it stands in a stream of server-sent events (WHATWG HTML, section 9.2), and its id.

use bytes::Bytes;
use tokencast_aws::event_json::{EventJson, kind};
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Sequence};
use tokencast_core::time::Timestamp;

/// Says that the stream is alive, to whoever on its way would cut it for its silence. Readers pass it over.
pub const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// All of a stream that has no events: a response must have a byte, or some accounts keep it open for many minutes.
pub const NO_EVENTS: Bytes = Bytes::from_static(b": no events\n\n");

/// An event's place, as `id:` has it: its sequence, before which stands its attempt, unless that is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub attempt: Attempt,
    pub sequence: Sequence,
}

impl Place {
    pub fn of(event: &TokenEvent) -> Self {
        Self {
            attempt: event.attempt,
            sequence: event.sequence,
        }
    }

    /// From an id that a client gives back; `None` if it is none of ours.
    pub fn parse(id: &str) -> Option<Self> {
        // `parse` takes a sign.
        if !id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        let (attempt, sequence) = id.split_once('.').unwrap_or(("1", id));
        Some(Self {
            attempt: Attempt(attempt.parse().ok()?),
            sequence: Sequence(sequence.parse().ok()?),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.attempt.0 {
            1 => write!(formatter, "{}", self.sequence.0),
            attempt => write!(formatter, "{attempt}.{}", self.sequence.0),
        }
    }
}

/// The lines of one event, and the empty one that ends it. JSON has no line breaks of its own.
pub fn frame(event: &TokenEvent, now: Timestamp) -> Bytes {
    let (id, kind) = (Place::of(event), kind(event));
    let data = EventJson::new(event, now).to_json();
    format!("id: {id}\nevent: {kind}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use tokencast_core::event::Ending;
    use tokencast_core::session::Status;

    use super::*;

    fn place(attempt: u32, sequence: u32) -> Place {
        Place {
            attempt: Attempt(attempt),
            sequence: Sequence(sequence),
        }
    }

    #[test]
    fn an_id_reads_back_as_written() {
        for (id, expected) in [
            ("1", place(1, 1)),
            ("400", place(1, 400)),
            ("2.7", place(2, 7)),
            ("0.1", place(0, 1)),
        ] {
            assert_eq!(Place::parse(id), Some(expected), "{id}");
            assert_eq!(expected.to_string(), id);
        }
        for id in [
            "",
            ".",
            "1.",
            ".1",
            "1.2.3",
            "-1",
            "+1",
            " 1",
            "a",
            "4294967296",
            "1,2",
        ] {
            assert_eq!(Place::parse(id), None, "{id:?}");
        }
    }

    #[test]
    fn later_events_are_greater() {
        assert!(place(1, 9) < place(1, 10));
        assert!(place(1, 10) < place(2, 1));
    }

    #[test]
    fn a_frame_is_four_lines_whatever_is_in_it() {
        let mut event = TokenEvent {
            session_id: "67e55044-10b1-426f-9247-bb680e5fe0c8"
                .parse()
                .expect("an id"),
            attempt: Attempt(2),
            sequence: Sequence(3),
            token: "a\r\nid: 9\n\ndata: \u{2028}x\0é".to_owned(),
            status: Status::Streaming,
            ending: None,
        };
        let framed = frame(&event, Timestamp::EPOCH);
        let text = std::str::from_utf8(&framed).expect("UTF-8");
        let lines: Vec<_> = text.split('\n').collect();
        assert_eq!((lines[0], lines[1]), ("id: 2.3", "event: token"));
        let json = lines[2].strip_prefix("data: ").expect("data");
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(json["token"], event.token);
        assert_eq!(lines[3..], ["", ""]);
        assert!(!text.contains('\r'));

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
