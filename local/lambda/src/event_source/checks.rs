//! The mappings that Lambda refuses, with its messages.

use std::time::Duration;

use crate::config::EventSourceConfig;

/// Limits of `CreateEventSourceMapping` for SQS.
const MAX_BATCH: u32 = 10_000;
const MAX_BATCH_WITHOUT_WINDOW: u32 = 10;
const MAX_WINDOW: Duration = Duration::from_mins(5);
const CONCURRENCY: std::ops::RangeInclusive<u32> = 2..=1_000;

/// Checks a mapping's configuration.
///
/// # Errors
///
/// Lambda's message.
pub(super) fn check(
    config: &EventSourceConfig,
    timeout: Duration,
    visibility: Duration,
) -> Result<(), String> {
    let (batch, window, concurrency) = (
        config.batch_size.get(),
        config.batching_window,
        config.maximum_concurrency.get(),
    );
    if visibility < timeout {
        return Err(format!(
            "Queue visibility timeout: {} seconds is less than Function timeout: {} seconds",
            visibility.as_secs(),
            timeout.as_secs()
        ));
    }
    if batch > MAX_BATCH {
        return Err(format!(
            "Batch size {batch} is invalid: it must be between 1 and {MAX_BATCH}"
        ));
    }
    if batch > MAX_BATCH_WITHOUT_WINDOW && window < Duration::from_secs(1) {
        return Err("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10".to_owned());
    }
    if window > MAX_WINDOW {
        return Err(format!(
            "Maximum batch window of {} seconds is invalid: it must be between 0 and {} seconds",
            window.as_secs(),
            MAX_WINDOW.as_secs()
        ));
    }
    if !CONCURRENCY.contains(&concurrency) {
        return Err(format!(
            "Maximum concurrency {concurrency} is invalid: it must be between {} and {}",
            CONCURRENCY.start(),
            CONCURRENCY.end()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn verdict(
        batch: u32,
        window_s: u64,
        concurrency: u32,
        visibility_s: u64,
        expected: Option<&str>,
    ) {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        let config = EventSourceConfig {
            queue: "jobs".to_owned(),
            function: "worker".to_owned(),
            batch_size: number(batch),
            batching_window: Duration::from_secs(window_s),
            maximum_concurrency: number(concurrency),
            report_batch_item_failures: true,
        };
        let result = check(
            &config,
            Duration::from_mins(1),
            Duration::from_secs(visibility_s),
        );
        match (result, expected) {
            (Ok(()), None) => {}
            (Err(message), Some(part)) => assert!(message.contains(part), "{message}"),
            (result, expected) => panic!("{result:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_mapping_has_limits() {
        verdict(1, 0, 2, 60, None);
        verdict(10, 0, 1_000, 360, None);
        verdict(10_000, 1, 2, 60, None);
        verdict(11, 0, 2, 60, Some("Maximum batch window"));
        verdict(10_001, 1, 2, 60, Some("Batch size"));
        verdict(1, 301, 2, 60, Some("batch window of 301"));
        verdict(1, 0, 1, 60, Some("Maximum concurrency 1"));
        verdict(1, 0, 1_001, 60, Some("Maximum concurrency 1001"));
        verdict(
            1,
            0,
            2,
            59,
            Some("Queue visibility timeout: 59 seconds is less than Function timeout: 60 seconds"),
        );
    }
}
