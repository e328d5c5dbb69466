//! The bytes of an answer's checkpoints grow with what it says plus the number of checkpoints, never with their product.
//! The test counts bytes at DynamoDB, so that timing doesn't matter.

use std::time::Duration;

use system_tests::TestStack;
use tokencast::stack::{CONVERSATIONS_TABLE, REGION, TABLE};
use tokencast_aws::sdk;
use tokencast_aws::sessions::{SessionTable, TEXT_CHUNK_BYTES};
use tokencast_core::block::{BlockIndex, PieceKind, PieceRef};
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::ports::SessionStore;
use tokencast_core::session::{Lease, Leased, Progress, Saved, Session};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

const TOKEN: &str = "token ";
const TOKENS_PER_CHECKPOINT: usize = 50;
/// The bytes of a request beside the text: the record's other attributes, with their names, as JSON.
const REQUEST_BYTES: usize = 2_048;
/// The length of an event takes a byte or two, and a third more in base64.
const LENGTH_BYTES: usize = 3;
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const TTL: Duration = Duration::from_hours(1);

/// Writes an answer's checkpoints. Returns the bytes of all `PutItem` requests, and their number.
async fn written(
    stack: &TestStack,
    table: &SessionTable,
    kind: PieceKind,
    tokens: usize,
) -> (usize, usize) {
    let (id, owner) = (SessionId::random(), Owner::new("alice").expect("an owner"));
    let lease = Lease {
        until: NOW + Duration::from_secs(30),
        holder: Uuid::new_v4(),
    };
    let leased = Session::lease(None, id, &owner, lease, None, NOW, TTL).expect("nobody has it");
    let Leased::Begun(mut session) = leased else {
        panic!("expected a beginning, not {leased:?}");
    };
    let usage = stack.running.local.usage();
    let before = usage.of("dynamodb", "PutItem");
    let (mut progress, mut version) = (Progress::default(), None);
    for sequence in 1..=tokens {
        progress.push(PieceRef {
            block: BlockIndex(0),
            kind,
            content: TOKEN,
        });
        if sequence % TOKENS_PER_CHECKPOINT != 0 {
            continue;
        }
        let attempt = session.last_attempt;
        let saved = Session::save(Some(session), attempt, Some(&progress), None, NOW);
        let Ok(Saved::Continue(next)) = saved else {
            panic!("expected to go on, not {saved:?}");
        };
        session = next;
        let put = table.put(&session, version, None).await.expect("an answer");
        version = Some(put.expect("nobody else writes"));
    }
    let read = table.get(id).await.expect("an answer").expect("a session");
    let said = format!("{}{}", read.session.text, read.session.others.contents());
    assert_eq!(said, TOKEN.repeat(tokens));
    assert_eq!(read.session.progress(), progress);
    let after = usage.of("dynamodb", "PutItem");
    let bytes = usize::try_from(after.bytes_in - before.bytes_in).expect("few");
    (
        bytes,
        usize::try_from(after.count - before.count).expect("few"),
    )
}

#[tokio::test]
async fn checkpoints_write_the_text_once_and_a_part_each() {
    let stack = TestStack::start().await;
    let info = &stack.running.info;
    let key = (info.access_key.id.clone(), info.access_key.secret.clone());
    let sdk = sdk::load_for_endpoint_as(&info.endpoints.url(), REGION, Some(key)).await;
    let table = SessionTable::new(&sdk, TABLE.to_owned(), CONVERSATIONS_TABLE.to_owned());
    let cases = [100, 1_000, 10_000].map(|tokens| (PieceKind::Text, tokens));
    let reasoning = (PieceKind::Reasoning, 10_000);
    for (kind, tokens) in cases.into_iter().chain([reasoning]) {
        let (bytes, puts) = written(&stack, &table, kind, tokens).await;
        let text = tokens * TOKEN.len();
        let record =
            TEXT_CHUNK_BYTES + (TEXT_CHUNK_BYTES / TOKEN.len()) * LENGTH_BYTES + REQUEST_BYTES;
        // An event without text has a length, too. Chunks are cut by their text, so these lengths stay in the record.
        let record = match kind {
            PieceKind::Text => record,
            _ => record + tokens * 4 / 3,
        };
        let bound = text + tokens * LENGTH_BYTES + puts * record;
        assert!(
            bytes <= bound,
            "{tokens} tokens of {kind:?}: {bytes} bytes in {puts} writes, at most {bound} are expected"
        );
        // The bound is meaningful: it would not hold if every checkpoint wrote the whole text.
        let checkpoints = tokens / TOKENS_PER_CHECKPOINT;
        let whole = checkpoints * text / 2;
        assert!(
            tokens < 10_000 || whole > bound,
            "{whole} is not more than {bound}"
        );
    }
    stack.shutdown().await;
}
