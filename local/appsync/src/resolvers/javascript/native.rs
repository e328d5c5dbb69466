//! The host's functions for `@aws-appsync/utils`: time, randomness, encodings and the log.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the engine calls functions with values of their own"
)]

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use chrono::{DateTime, SecondsFormat};
use rquickjs::{Ctx, Exception, Function, Object};

use local_kit::clock::Clock;

/// Padding is optional when decoding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Installs `globalThis.__native`, which utils.js removes before any resolver runs.
pub(super) fn install(ctx: &Ctx<'_>, clock: &Clock) -> rquickjs::Result<()> {
    let native = Object::new(ctx.clone())?;
    let now = clock.clone();
    #[expect(
        clippy::cast_precision_loss,
        reason = "JavaScript's numbers hold milliseconds for 285,000 years"
    )]
    native.set(
        "nowMs",
        Function::new(ctx.clone(), move || now.now_ms() as f64)?,
    )?;
    native.set("iso8601", Function::new(ctx.clone(), iso8601)?)?;
    native.set("parseIso8601", Function::new(ctx.clone(), parse_iso8601)?)?;
    native.set(
        "uuid",
        Function::new(ctx.clone(), || uuid::Uuid::new_v4().to_string())?,
    )?;
    let now = clock.clone();
    native.set(
        "ulid",
        Function::new(ctx.clone(), move || ulid(now.now_ms()))?,
    )?;
    native.set(
        "base64Encode",
        Function::new(ctx.clone(), |text: String| STANDARD.encode(text))?,
    )?;
    native.set("base64Decode", Function::new(ctx.clone(), base64_decode)?)?;
    native.set(
        "log",
        Function::new(ctx.clone(), |level: String, text: String| {
            tracing::debug!(target: "appsync::console", level, "{text}");
        })?,
    )?;
    ctx.globals().set("__native", native)
}

fn iso8601(ctx: Ctx<'_>, epoch_ms: f64) -> rquickjs::Result<String> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "out of range saturates, and is refused below"
    )]
    let time = DateTime::from_timestamp_millis(epoch_ms as i64);
    let time = time.ok_or_else(|| Exception::throw_range(&ctx, "the time is out of range"))?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn parse_iso8601(ctx: Ctx<'_>, text: String) -> rquickjs::Result<f64> {
    let time = DateTime::parse_from_rfc3339(&text)
        .map_err(|_| Exception::throw_range(&ctx, "the text is not a date and time in ISO 8601"))?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "JavaScript's numbers hold milliseconds for 285,000 years"
    )]
    Ok(time.timestamp_millis() as f64)
}

fn base64_decode(ctx: Ctx<'_>, text: String) -> rquickjs::Result<String> {
    let bytes = LENIENT
        .decode(text)
        .map_err(|_| Exception::throw_type(&ctx, "the text is not Base64"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// 48 bits of time and 80 random bits, in Crockford's Base32.
fn ulid(now_ms: i64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = u128::try_from(now_ms).unwrap_or_default() << 80;
    let value = time | (fastrand::u128(..) >> 48);
    (0..26)
        .rev()
        .map(|place| {
            char::from(ALPHABET[usize::try_from((value >> (5 * place)) & 31).unwrap_or_default()])
        })
        .collect()
}
