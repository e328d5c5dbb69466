//! A lenient reader of completions: a member that is missing, null or of another type counts as absent.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text::{bytes_of, text_of};

/// A chunk of a stream, or a whole completion.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The text of the first choice. The other choices are alternatives.
    pub(super) text: Vec<u8>,
    pub(super) reasoning: Vec<u8>,
    pub(super) finish_reason: Option<String>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) error: Option<Complaint>,
    /// Whether there was a list of choices.
    pub(super) has_choices: bool,
}

/// A server's error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: Option<String>,
    /// The HTTP status that the error would have had, if the response had begun already.
    pub(super) status: Option<u16>,
    /// The error's `code` and `type`, such as `context_length_exceeded`.
    pub(super) kind: String,
    /// The parameters that the error names in a field of their own.
    pub(super) parameters: Vec<String>,
}

type Raw<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
struct WireChunk<'a> {
    #[serde(borrow)]
    choices: Raw<'a>,
    #[serde(borrow)]
    usage: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
}

#[derive(Deserialize)]
struct WireChoice<'a> {
    #[serde(borrow)]
    index: Raw<'a>,
    #[serde(borrow)]
    delta: Raw<'a>,
    /// In place of `delta` in a whole completion.
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    finish_reason: Raw<'a>,
}

#[derive(Default, Deserialize)]
struct WireDelta<'a> {
    #[serde(borrow)]
    content: Raw<'a>,
    /// In place of `content` if the model declines.
    #[serde(borrow)]
    refusal: Raw<'a>,
    /// llama.cpp, vLLM and others use this name, Ollama `reasoning`, and some servers both.
    #[serde(borrow)]
    reasoning_content: Raw<'a>,
    #[serde(borrow)]
    reasoning: Raw<'a>,
}

#[derive(Deserialize)]
struct WirePart<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    text: Raw<'a>,
    #[serde(borrow)]
    thinking: Raw<'a>,
}

#[derive(Deserialize)]
struct WireUsage<'a> {
    #[serde(borrow)]
    prompt_tokens: Raw<'a>,
    #[serde(borrow)]
    completion_tokens: Raw<'a>,
}

#[derive(Deserialize)]
struct WireComplaint<'a> {
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    code: Raw<'a>,
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    param: Raw<'a>,
}

impl Chunk {
    /// `None` if `json` is no object.
    pub(super) fn read(json: &str) -> Option<Self> {
        // Serde would read a list as the fields in their order.
        if !json.trim_start().starts_with('{') {
            return None;
        }
        let wire: WireChunk<'_> = serde_json::from_str(json).ok()?;
        let mut chunk = Self::default();
        if let Some(choices) = wire.choices.and_then(read::<Vec<&RawValue>>) {
            chunk.has_choices = true;
            let mut choices = choices.into_iter().filter_map(read::<WireChoice<'_>>);
            if let Some(choice) =
                choices.find(|choice| choice.index.and_then(number).unwrap_or(0) == 0)
            {
                chunk.take(&choice);
            }
        }
        if let Some(usage) = wire.usage.and_then(read::<WireUsage<'_>>) {
            chunk.input_tokens = usage.prompt_tokens.and_then(number);
            chunk.output_tokens = usage.completion_tokens.and_then(number);
        }
        chunk.error = wire.error.and_then(Complaint::read);
        Some(chunk)
    }

    fn take(&mut self, choice: &WireChoice<'_>) {
        let finish_reason = choice.finish_reason.and_then(text);
        let is_said = |reason: &String| !matches!(reason.trim(), "" | "null");
        self.finish_reason = finish_reason.filter(is_said);
        let delta = choice.delta.and_then(read::<WireDelta<'_>>);
        let delta = delta.or_else(|| choice.message.and_then(read::<WireDelta<'_>>));
        let delta = delta.unwrap_or_default();
        for reasoning in [delta.reasoning_content, delta.reasoning]
            .into_iter()
            .flatten()
        {
            // Both fields have the same content.
            if self.reasoning.is_empty() {
                self.reasoning = pieces(reasoning).0;
            }
        }
        for content in [delta.content, delta.refusal].into_iter().flatten() {
            if self.text.is_empty() {
                let (text, reasoning) = pieces(content);
                self.text = text;
                self.reasoning.extend(reasoning);
            }
        }
    }
}

impl Complaint {
    /// An error in any of the shapes that servers use. `None` for values that mean no error.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        if let Some(message) = text(raw) {
            return (!message.is_empty()).then(|| Self {
                message: Some(message),
                ..Self::default()
            });
        }
        if matches!(raw.get(), "null" | "false") {
            return None;
        }
        let Some(wire) = read::<WireComplaint<'_>>(raw) else {
            return Some(Self::default());
        };
        let kinds = [wire.code, wire.kind].into_iter().flatten();
        Some(Self {
            message: wire.message.and_then(text),
            status: wire
                .code
                .and_then(number)
                .and_then(|code| u16::try_from(code).ok()),
            kind: kinds.filter_map(text).collect::<Vec<_>>().join(" "),
            parameters: wire.param.and_then(text).into_iter().collect(),
        })
    }
}

/// The text and the reasoning of a string, or of a list of typed parts.
fn pieces(raw: &RawValue) -> (Vec<u8>, Vec<u8>) {
    let (mut text, mut reasoning) = (Vec::new(), Vec::new());
    if let Some(bytes) = bytes_of(raw.get()) {
        text = bytes;
    }
    for part in read::<Vec<&RawValue>>(raw).unwrap_or_default() {
        if let Some(bytes) = bytes_of(part.get()) {
            text.extend(bytes);
            continue;
        }
        let Some(part) = read::<WirePart<'_>>(part) else {
            continue;
        };
        let said = part.text.map(|text| pieces(text).0).unwrap_or_default();
        match part.kind.and_then(self::text).as_deref() {
            Some("reasoning" | "thinking") => {
                reasoning.extend(said);
                reasoning.extend(part.thinking.map(|text| pieces(text).0).unwrap_or_default());
            }
            _ => text.extend(said),
        }
    }
    (text, reasoning)
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn text(raw: &RawValue) -> Option<String> {
    text_of(raw.get())
}

/// A count, such as `12` or `12.0`. Bedrock's counts, and the sum of two, have 32 bits; no response comes near a
/// billion.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 0 and a billion"
)]
fn number(raw: &RawValue) -> Option<u64> {
    let number: f64 = read(raw)?;
    (0.0..=1e9).contains(&number).then_some(number as u64)
}
