//! What a response says of a quota that refuses its request.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use tokencast_core::quota::Exceeded;

/// Clients of OpenAI and others ask this header whether they try again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A client that would have to wait longer shall not try again by itself.
const WORTH_WAITING: Duration = Duration::from_mins(1);

/// Whether the wait is short enough for a client to try again by itself.
pub fn is_worth_waiting(exceeded: &Exceeded) -> bool {
    exceeded.wait() <= WORTH_WAITING
}

/// `Retry-After`, in seconds; and `x-should-retry: false` where a minute's wait would not help, or none.
pub fn retry_headers(exceeded: &Exceeded) -> Vec<(HeaderName, HeaderValue)> {
    let wait = exceeded.wait();
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
    let mut headers = vec![(header::RETRY_AFTER, seconds)];
    if exceeded.is_final() || !is_worth_waiting(exceeded) {
        headers.push((SHOULD_RETRY, HeaderValue::from_static("false")));
    }
    headers
}

#[cfg(test)]
mod tests {
    use tokencast_core::quota::LimitName;
    use tokencast_core::time::Timestamp;

    use super::*;

    #[track_caller]
    fn check(most: u32, wait_ms: i64, retry_after: &str, should_retry: Option<&str>) {
        let exceeded = Exceeded {
            limit: LimitName::StartsPerDay,
            used: 1,
            most,
            needed: 1,
            at: Timestamp::from_millis(1000),
            resets_at: Timestamp::from_millis(1000 + wait_ms),
        };
        let headers = retry_headers(&exceeded);
        let value = |name: &HeaderName| {
            let found = headers.iter().find(|(it, _)| it == name);
            found.map(|(_, value)| value.to_str().expect("text").to_owned())
        };
        assert_eq!(value(&header::RETRY_AFTER).as_deref(), Some(retry_after));
        assert_eq!(value(&SHOULD_RETRY).as_deref(), should_retry);
    }

    #[test]
    fn a_client_waits_a_minute_by_itself_and_no_longer() {
        check(1, -5, "1", None);
        check(1, 1, "1", None);
        check(1, 1001, "2", None);
        check(1, 60_000, "60", None);
        check(1, 60_001, "61", Some("false"));
        check(1, 86_400_000, "86400", Some("false"));
    }

    #[test]
    fn a_client_never_waits_for_a_limit_that_no_start_fits_into() {
        check(0, 1001, "2", Some("false"));
        check(0, 86_400_000, "86400", Some("false"));
    }
}
