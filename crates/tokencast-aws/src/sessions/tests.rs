//! An answer is read as it was written, in chunks or not.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use tokencast_core::block::{BlockIndex, PieceKind, PieceRef};
use tokencast_core::id::{Attempt, Owner};
use tokencast_core::session::{Lease, Leased, Progress, Saved};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

use super::*;

/// The attributes that the version before this one does not know.
const NEW: [&str; 7] = [
    "otherAttempt",
    "other",
    "pieces",
    "otherParts",
    "reasoningMs",
    "cacheRead",
    "cacheWrite",
];

/// What the table holds of a session: its item, and its chunks.
struct Stored {
    item: Item,
    texts: Vec<Item>,
    others: Vec<Item>,
}

impl Stored {
    fn of(session: &Session) -> Self {
        let (item, _, chunks) = written(session, None);
        let of_others = |chunk: &Item| chunk.contains_key("pieces");
        let (others, texts) = chunks.into_iter().partition(of_others);
        Self {
            item,
            texts,
            others,
        }
    }

    /// What a reader of the version before sees.
    fn of_the_version_before(mut self) -> Self {
        self.item.retain(|name, _| !NEW.contains(&name.as_str()));
        let version = AttributeValue::N("2".to_owned());
        self.item.insert("itemVersion".to_owned(), version);
        self.others.clear();
        self
    }

    fn read(&self) -> Session {
        let Versioned { mut session, .. } = item::read(&self.item).expect("reads");
        put_before(&mut session, &self.texts, &self.others).expect("joins");
        check_fit(&session).expect("fits");
        session
    }
}

fn session(progress: &Progress) -> Session {
    let (id, owner) = (SessionId::random(), Owner::new("me").expect("not empty"));
    let now = Timestamp::from_secs(1_700_000_000);
    let lease = Lease {
        until: now + Duration::from_secs(30),
        holder: Uuid::nil(),
    };
    let ttl = Duration::from_hours(1);
    let Ok(Leased::Begun(session)) = Session::lease(None, id, &owner, lease, None, now, ttl) else {
        panic!("expected a lease")
    };
    match Session::save(Some(session), Attempt(1), Some(progress), None, now) {
        Ok(Saved::Continue(session)) => session,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn any_answer_reads_back_as_written(
        said in prop::collection::vec(
            (
                0_u32..5,
                prop::sample::select(PieceKind::ALL.as_slice()),
                "[a-zü\"]{1,12}",
                prop_oneof![1_usize..9, 300_usize..400],
            ),
            0..24,
        ),
    ) {
        let mut progress = Progress { reasoning_ms: Some(1200), ..Progress::default() };
        for (block, kind, content, times) in &said {
            let content = content.repeat(*times);
            progress.push(PieceRef { block: BlockIndex(*block), kind: *kind, content: &content });
        }
        let session = session(&progress);
        let stored = Stored::of(&session);
        prop_assert_eq!(&stored.read(), &session);

        let before = stored.of_the_version_before().read();
        prop_assert_eq!(&before.text, &session.text);
        prop_assert_eq!(&before.lengths, &session.lengths);
        prop_assert_eq!(before.blocks().len(), usize::from(!said.is_empty()));
    }
}
