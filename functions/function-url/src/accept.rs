//! Reads a client's preferences in the `Accept` header (RFC 9110, section 12.5.1).

/// How much a client wants `media_type`, in thousandths, by the narrowest of the header's ranges that contains it; 0 if
/// none does.
pub fn quality(accept: &str, media_type: &str) -> u16 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let narrowness = narrowness(parts.next()?, media_type)?;
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then_some(value)
        });
        Some((narrowness, weight.map_or(1000, thousandths)))
    });
    ranges.max().map_or(0, |(_, quality)| quality)
}

/// How narrow a range is that contains the media type: 2 for itself, 1 for `text/*`, 0 for `*/*`.
fn narrowness(range: &str, media_type: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(media_type) {
        return Some(2);
    }
    if range == "*/*" {
        return Some(0);
    }
    let (kind, _) = media_type.split_once('/')?;
    let all_of = range.strip_suffix("/*")?;
    all_of.eq_ignore_ascii_case(kind).then_some(1)
}

/// A weight that can't be read counts as 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is 0 to 1000"
)]
fn thousandths(weight: &str) -> u16 {
    let weight: f32 = weight.trim().parse().unwrap_or(1.0);
    (weight.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_range_decides() {
        for (accept, text, events) in [
            ("", 0, 0),
            ("*/*", 1000, 1000),
            ("text/*", 1000, 1000),
            ("text/plain", 1000, 0),
            ("Text/Plain; charset=utf-8, */*;q=0.1", 1000, 100),
            ("text/plain, text/event-stream", 1000, 1000),
            ("text/plain;q=0.5, text/event-stream", 500, 1000),
            ("text/plain, text/event-stream;q=0.9", 1000, 900),
            // What axios sends.
            ("application/json, text/plain, */*", 1000, 1000),
            ("application/json, text/plain, */*;q=0.8", 1000, 800),
            ("text/plain;q=0, */*", 0, 1000),
            ("text/html, application/xhtml+xml, */*; q=0.8", 800, 800),
            ("text/plain; Q = 0.25", 250, 0),
            ("text/plain;q=much", 1000, 0),
            ("text/plain;q=NaN", 0, 0),
            ("image/*, text/html", 0, 0),
        ] {
            assert_eq!(quality(accept, "text/plain"), text, "{accept}");
            assert_eq!(quality(accept, "text/event-stream"), events, "{accept}");
        }
    }
}
