//! Trying again what failed: for how long, how often, and after which pauses.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::ports::Clock;
use crate::time::Deadline;

/// What a failure says about the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The fault may pass: it is tried again until the deadline.
    Always,
    /// The fault is unlikely to pass: it is tried again a few times.
    Limited,
    /// The same try can only fail again.
    Never,
}

/// How something is tried again.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// The pauses between two tries.
    pub backoff: Backoff,
    /// How many failures of [`Retry::Limited`] are followed by another try.
    pub max_limited: u32,
}

impl RetryPolicy {
    /// Whose failures are all [`Retry::Always`] or [`Retry::Never`].
    pub const fn unlimited(backoff: Backoff) -> Self {
        Self {
            backoff,
            max_limited: u32::MAX,
        }
    }
}

/// The last failure, when there is no other try.
#[derive(Debug)]
pub struct GivenUp<E> {
    pub error: E,
    /// How often it was tried.
    pub failures: u32,
    /// How long the pause before another try would have been.
    pub pause: Duration,
}

/// Tries until it succeeds, until `classify` forbids another try, or until the pause before that would reach the deadline.
///
/// `try_once` is given the number of the try: 1, 2, 3 …
///
/// # Errors
///
/// The last try's error.
///
/// ```
/// # use std::time::Duration;
/// # use tokencast_core::backoff::Backoff;
/// # use tokencast_core::ports::Clock;
/// # use tokencast_core::retry::{Retry, RetryPolicy, retry};
/// # use tokencast_core::time::{Deadline, Timestamp};
/// # struct Stopped;
/// # impl Clock for Stopped {
/// #     fn now(&self) -> Timestamp { Timestamp::EPOCH }
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
/// # runtime.block_on(async {
/// const POLICY: RetryPolicy = RetryPolicy::unlimited(Backoff {
///     first: Duration::from_millis(1),
///     cap: Duration::from_secs(1),
/// });
/// let third_time = |number| async move { if number < 3 { Err("not yet") } else { Ok(number) } };
/// let tried = retry(POLICY, &Stopped, Deadline::NEVER, |_| Retry::Always, third_time).await;
/// assert_eq!(tried.ok(), Some(3));
/// # });
/// ```
pub async fn retry<T, E, F>(
    policy: RetryPolicy,
    clock: &impl Clock,
    deadline: Deadline,
    classify: impl Fn(&E) -> Retry,
    // Not an `AsyncFnMut`: the compiler (1.95) cannot tell that the future of an async closure is `Send`.
    mut try_once: impl FnMut(u32) -> F,
) -> Result<T, GivenUp<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let (mut failures, mut limited) = (0, 0);
    loop {
        failures += 1;
        let error = match try_once(failures).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let retry = classify(&error);
        limited += u32::from(retry == Retry::Limited);
        let pause = policy.backoff.delay(failures);
        let is_late = deadline.has_passed(clock.now() + pause);
        if retry == Retry::Never || limited > policy.max_limited || is_late {
            return Err(GivenUp {
                error,
                failures,
                pause,
            });
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::time::Timestamp;

    struct TestClock(Instant);

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH + self.0.elapsed()
        }
    }

    const POLICY: RetryPolicy = RetryPolicy {
        backoff: Backoff {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(1),
        },
        max_limited: 3,
    };

    /// Fails with these, then succeeds; how often it was tried, and whether it succeeded.
    async fn check(failures: &[Retry], deadline: Deadline, expected: (u32, bool)) {
        let clock = TestClock(Instant::now());
        let mut tries = 0;
        let done = retry(
            POLICY,
            &clock,
            deadline,
            |failure| *failure,
            |number| {
                tries = number;
                let failure = failures.get(number as usize - 1);
                std::future::ready(failure.map_or(Ok(()), |failure| Err(*failure)))
            },
        );
        let done = done.await;
        if let Err(given_up) = &done {
            assert_eq!(given_up.failures, tries, "{failures:?}");
        }
        assert_eq!((tries, done.is_ok()), expected, "{failures:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_says_how_often_it_is_tried_again() {
        let never = Deadline::NEVER;
        check(&[], never, (1, true)).await;
        check(&[Retry::Always; 50], never, (51, true)).await;
        check(&[Retry::Limited; 3], never, (4, true)).await;
        check(&[Retry::Limited; 4], never, (4, false)).await;
        check(&[Retry::Always, Retry::Never], never, (2, false)).await;
        check(
            &[Retry::Limited, Retry::Always, Retry::Limited, Retry::Always],
            never,
            (5, true),
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_reaches_the_deadline() {
        let at = |seconds| Deadline::at(Timestamp::from_secs(seconds));
        check(&[], at(0), (1, true)).await;
        check(&[Retry::Always], at(0), (1, false)).await;
        check(&[Retry::Always], at(2), (2, true)).await;
        let begun = Instant::now();
        let clock = TestClock(begun);
        let failing = |_| std::future::ready(Err::<(), _>(()));
        let given_up = retry(POLICY, &clock, at(60), |()| Retry::Always, failing).await;
        assert!(given_up.expect_err("it fails").failures >= 60);
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}
