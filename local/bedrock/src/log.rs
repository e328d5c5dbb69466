//! The calls and how each ended, for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local_kit::clock::Clock;
use tokio::sync::watch;

use crate::model::{Piece, Usage};
use crate::prompt::Prompt;

/// Older calls are dropped, so that a long-running stack doesn't grow.
const KEPT_CALLS: usize = 4_000;
/// The beginning of a prompt is enough to tell calls apart.
const KEPT_PROMPT_BYTES: usize = 4_096;
/// The limit of one call's text. No response of this project is longer.
const KEPT_TEXT_BYTES: usize = 1_000_000;
/// The limit of all texts together, and of all inputs together. The oldest calls' are dropped first.
const KEPT_TEXTS_BYTES: usize = 32_000_000;

/// One call of a model, as the model saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// 1, 2, 3 … in the order of arrival.
    pub id: u64,
    pub model_id: String,
    /// The last user message's text, or the first 4 KB of it.
    pub prompt: String,
    /// The JSON object of the request's `system` and `messages`, byte for byte as they were given. Empty for old calls
    /// once all inputs and bodies together exceed 32 MB.
    pub input: String,
    /// The request's whole body, which is kept as long as `input`.
    pub body: String,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    /// The tokens of text that were handed to the connection, without empty ones.
    pub tokens_sent: u64,
    /// The tokens' text, or its first 1 MB. Empty for old calls once all texts together exceed 32 MB.
    pub text_sent: String,
    /// All tokens that the model counted; `None` if it did not come to that.
    pub counted_tokens: Option<u64>,
    /// `None` while the call is in progress.
    pub ended: Option<EndReason>,
}

impl ModelCall {
    /// Whether the call failed at the model's side.
    pub fn is_faulted(&self) -> bool {
        matches!(self.ended, Some(EndReason::Faulted(_)))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The whole response was sent.
    Completed,
    /// The caller closed the connection, or reset the stream, before the end.
    ClientGone,
    /// The script or the server behind refused, failed, cut or reset the call.
    Faulted(String),
}

#[derive(Clone, Debug)]
pub(crate) struct CallLog {
    clock: Clock,
    calls: Arc<Mutex<Calls>>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Calls {
    last_id: u64,
    live: usize,
    kept: VecDeque<ModelCall>,
    /// The size of the texts that are kept.
    text_bytes: usize,
    /// The size of the inputs and bodies that are kept.
    input_bytes: usize,
    /// Calls up to this id have no text any more.
    forgotten_id: u64,
}

impl CallLog {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            calls: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Logs the start of a call, which ends with the guard.
    pub(crate) fn begin(&self, prompt: &Prompt, body: &[u8]) -> OpenCall {
        let question = prompt.last_question();
        let mut calls = self.lock();
        calls.last_id += 1;
        calls.live += 1;
        let id = calls.last_id;
        if calls.kept.len() == KEPT_CALLS
            && let Some(oldest) = calls.kept.pop_front()
        {
            calls.text_bytes -= oldest.text_sent.len();
            calls.input_bytes -= oldest.input.len() + oldest.body.len();
        }
        let body = String::from_utf8_lossy(body).into_owned();
        calls.make_room_for_input(prompt.given.len() + body.len());
        calls.kept.push_back(ModelCall {
            id,
            model_id: prompt.model_id.clone(),
            prompt: question[..question.floor_char_boundary(KEPT_PROMPT_BYTES)].to_owned(),
            input: prompt.given.clone(),
            body,
            started_at_ms: self.clock.now_ms(),
            ended_at_ms: None,
            tokens_sent: 0,
            text_sent: String::new(),
            counted_tokens: None,
            ended: None,
        });
        drop(calls);
        self.changed.send_replace(());
        OpenCall {
            log: self.clone(),
            id,
            open: true,
        }
    }

    pub(crate) fn calls(&self) -> Vec<ModelCall> {
        self.lock().kept.iter().cloned().collect()
    }

    pub(crate) fn live(&self) -> usize {
        self.lock().live
    }

    /// Returns once `done` is true of the calls so far. `done` runs under the log's lock.
    pub(crate) async fn wait_until(&self, mut done: impl FnMut(&[ModelCall]) -> bool) {
        let mut changed = self.changed.subscribe();
        loop {
            let is_done = done(self.lock().kept.make_contiguous());
            // The log itself holds the sender, so this can't fail.
            if is_done || changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn find(&mut self, id: u64) -> Option<&mut ModelCall> {
        let first = self.kept.front()?.id;
        self.kept
            .get_mut(usize::try_from(id.checked_sub(first)?).ok()?)
    }

    /// Drops the oldest inputs until another fits. It is added even if it is too long itself.
    fn make_room_for_input(&mut self, bytes: usize) {
        self.input_bytes += bytes;
        for call in &mut self.kept {
            if self.input_bytes <= KEPT_TEXTS_BYTES {
                break;
            }
            let (input, body) = (
                std::mem::take(&mut call.input),
                std::mem::take(&mut call.body),
            );
            self.input_bytes -= input.len() + body.len();
        }
    }

    fn token_sent(&mut self, id: u64, text: &str) {
        let forgotten_id = self.forgotten_id;
        let Some(call) = self.find(id) else {
            return;
        };
        call.tokens_sent += 1;
        if id <= forgotten_id {
            return;
        }
        let left = KEPT_TEXT_BYTES - call.text_sent.len();
        let text = &text[..text.floor_char_boundary(left)];
        call.text_sent.push_str(text);
        self.text_bytes += text.len();
        while self.text_bytes > KEPT_TEXTS_BYTES {
            self.forgotten_id += 1;
            let forgotten_id = self.forgotten_id;
            let text = self
                .find(forgotten_id)
                .map(|oldest| std::mem::take(&mut oldest.text_sent));
            self.text_bytes -= text.unwrap_or_default().len();
        }
    }
}

/// A call in progress. If it is dropped before [`OpenCall::end`], the caller is gone.
#[derive(Debug)]
pub(crate) struct OpenCall {
    log: CallLog,
    id: u64,
    open: bool,
}

impl OpenCall {
    /// Logs a piece, if it is text that isn't empty.
    pub(crate) fn piece_sent(&self, piece: &Piece) {
        if let Piece::Text(text) = piece
            && !text.is_empty()
        {
            self.log.lock().token_sent(self.id, text);
            self.log.changed.send_replace(());
        }
    }

    /// Logs what the model counted, which the response tells at its end.
    pub(crate) fn counted(&self, usage: Usage) {
        if let Some(call) = self.log.lock().find(self.id) {
            call.counted_tokens = Some(usage.total_tokens());
        }
    }

    pub(crate) fn end(&mut self, reason: EndReason) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let now_ms = self.log.clock.now_ms();
        let mut calls = self.log.lock();
        calls.live -= 1;
        if let Some(call) = calls.find(self.id) {
            call.ended_at_ms = Some(now_ms);
            call.ended = Some(reason);
        }
        drop(calls);
        self.log.changed.send_replace(());
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.end(EndReason::ClientGone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(log: &CallLog) -> OpenCall {
        log.begin(&Prompt::of("p"), b"")
    }

    fn say(call: &OpenCall, text: &str) {
        call.piece_sent(&Piece::Text(text.to_owned()));
    }

    #[test]
    fn old_calls_are_forgotten_and_late_ends_are_harmless() {
        let log = CallLog::new(Clock::system());
        let mut oldest = begin(&log);
        for _ in 0..KEPT_CALLS {
            begin(&log).end(EndReason::Completed);
        }
        assert_eq!(log.live(), 1);
        say(&oldest, "late");
        oldest.end(EndReason::Completed);
        drop(oldest);
        assert_eq!(log.live(), 0);
        let calls = log.calls();
        assert_eq!((calls.len(), calls[0].id), (KEPT_CALLS, 2));
    }

    #[test]
    fn texts_are_kept_within_a_bound() {
        let log = CallLog::new(Clock::system());
        let text = "ä".repeat(KEPT_TEXT_BYTES);
        let fit = KEPT_TEXTS_BYTES / KEPT_TEXT_BYTES;
        let mut open: Vec<_> = (0..fit + 2).map(|_| begin(&log)).collect();
        for call in &open {
            say(call, &text);
        }
        let kept = |log: &CallLog| {
            log.calls()
                .iter()
                .map(|call| call.text_sent.len())
                .collect::<Vec<_>>()
        };
        let expected = [vec![0, 0], vec![KEPT_TEXT_BYTES; fit]].concat();
        assert_eq!(kept(&log), expected);
        // A text that was dropped doesn't start again in its middle.
        say(&open[0], "late");
        assert_eq!((kept(&log), log.calls()[0].tokens_sent), (expected, 2));
        open.clear();
        for _ in 0..KEPT_CALLS {
            say(&begin(&log), "x");
        }
        assert_eq!(kept(&log), vec![1; KEPT_CALLS]);
        assert_eq!(log.lock().text_bytes, KEPT_CALLS);
    }

    #[test]
    fn inputs_are_kept_within_a_bound() {
        let log = CallLog::new(Clock::system());
        let mut prompt = Prompt::of("p");
        let quarter = KEPT_TEXTS_BYTES / 4;
        prompt.given = "x".repeat(quarter);
        for _ in 0..3 {
            log.begin(&prompt, prompt.given.as_bytes());
        }
        let kept = |call: ModelCall| (call.input.len(), call.body.len());
        let kept: Vec<_> = log.calls().into_iter().map(kept).collect();
        assert_eq!(kept, [(0, 0), (quarter, quarter), (quarter, quarter)]);
    }

    #[test]
    fn a_dropped_call_lost_its_client() {
        let log = CallLog::new(Clock::system());
        say(&begin(&log), "a");
        assert_eq!(log.calls()[0].ended, Some(EndReason::ClientGone));
        assert_eq!(
            (
                log.calls()[0].tokens_sent,
                log.calls()[0].text_sent.as_str()
            ),
            (1, "a")
        );
    }
}
