//! The plan in force: which rule fires, and how often each rule matched and fired.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;
use tokio::time::Instant;

use crate::fault::Fault;
use crate::plan::{FaultPlan, Rule};
use crate::service::{FaultService, Point};

/// Something that happens in a service, which a fault may be applied to.
#[derive(Debug)]
pub struct Event<'a> {
    pub point: Point,
    pub service: FaultService,
    pub operations: &'a [&'a str],
    pub caller: Option<&'a str>,
    /// Whether the caller is a process, which can be killed.
    pub has_process: bool,
    pub body: &'a [u8],
}

/// How often a rule matched and fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// The rule's name, or its place in the plan: `rules[0]`.
    pub rule: String,
    pub service: FaultService,
    pub operation: String,
    pub fault: &'static str,
    /// How many events the rule applied to, whether it fired or not. Events that an earlier rule decided don't count.
    pub matched: u64,
    pub fired: u64,
}

/// What the plan does to an event.
#[derive(Debug, Default)]
pub struct Fired<'a> {
    pub delay: Duration,
    pub fault: Option<FiredFault<'a>>,
}

/// The fault of the rule that fired.
#[derive(Clone, Copy, Debug)]
pub struct FiredFault<'a> {
    pub fault: &'a Fault,
    state: &'a Mutex<State>,
}

/// A plan with the state of its rules.
#[derive(Debug)]
pub struct ActivePlan {
    seed: u64,
    rules: Vec<ActiveRule>,
    outages: Mutex<Vec<Outage>>,
}

#[derive(Debug)]
struct ActiveRule {
    rule: Rule,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    matched: u64,
    fired: u64,
    /// Each rule has its own generator, so that its draws don't depend on another rule's events.
    rng: Rng,
}

#[derive(Debug)]
struct Outage {
    service: FaultService,
    until: Option<Instant>,
}

impl ActivePlan {
    pub(super) fn new(plan: FaultPlan) -> Self {
        let seed = plan.seed;
        let rules = plan.rules.into_iter().zip(1_u64..).map(|(rule, number)| {
            let own = seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let state = State {
                matched: 0,
                fired: 0,
                rng: Rng::with_seed(own),
            };
            ActiveRule {
                rule,
                state: Mutex::new(state),
            }
        });
        Self {
            seed,
            rules: rules.collect(),
            outages: Mutex::default(),
        }
    }

    pub(super) fn plan(&self) -> FaultPlan {
        FaultPlan {
            seed: self.seed,
            rules: self.rules.iter().map(|it| it.rule.clone()).collect(),
        }
    }

    pub(super) fn report(&self) -> Vec<RuleReport> {
        let report = |(index, it): (usize, &ActiveRule)| {
            let (matched, fired) = {
                let state = lock(&it.state);
                (state.matched, state.fired)
            };
            RuleReport {
                rule: it.name(index),
                service: it.rule.service,
                operation: it.rule.operation.clone(),
                fault: it.rule.fault.name(),
                matched,
                fired,
            }
        };
        self.rules.iter().enumerate().map(report).collect()
    }

    /// Tries the rules in their order. Delays add up; the first other fault that fires ends the search.
    pub fn fire(&self, event: &Event<'_>) -> Fired<'_> {
        let mut fired = Fired::default();
        for (index, it) in self.rules.iter().enumerate() {
            if !it.matches(event) || !it.decide() {
                continue;
            }
            let (name, fault) = (it.name(index), it.rule.fault.name());
            tracing::info!(rule = name, fault, service = event.service.name(), operations = ?event.operations, "a planned fault");
            if let Fault::Delay { ms } = it.rule.fault {
                fired.delay += Duration::from_millis(ms);
            } else {
                fired.fault = Some(FiredFault {
                    fault: &it.rule.fault,
                    state: &it.state,
                });
                break;
            }
        }
        fired
    }

    /// Whether a rule depends on the content of a request's body.
    pub fn reads_bodies(&self, service: FaultService) -> bool {
        self.rules
            .iter()
            .any(|it| it.rule.service == service && it.rule.contains.is_some())
    }

    /// The longest lag of an index that a rule causes; none if no rule does.
    pub fn longest_index_lag(&self) -> Option<Duration> {
        let lags = self.rules.iter().filter_map(|it| match it.rule.fault {
            Fault::IndexLag { ms } => Some(Duration::from_millis(ms)),
            _ => None,
        });
        lags.max()
    }

    /// Makes the service unavailable, for `for_ms` or until the plan changes.
    pub fn begin_outage(&self, service: FaultService, for_ms: Option<u64>) {
        let until = for_ms.map(|ms| Instant::now() + Duration::from_millis(ms));
        lock(&self.outages).push(Outage { service, until });
    }

    /// Whether the service is unavailable now.
    pub fn is_out(&self, service: FaultService) -> bool {
        let mut outages = lock(&self.outages);
        if outages.is_empty() {
            return false;
        }
        let now = Instant::now();
        outages.retain(|outage| outage.until.is_none_or(|until| until > now));
        outages.iter().any(|outage| outage.service == service)
    }
}

impl FiredFault<'_> {
    /// A random number from the rule's own generator.
    pub fn draw(&self) -> u64 {
        lock(self.state).rng.u64(..)
    }
}

impl ActiveRule {
    fn name(&self, index: usize) -> String {
        let name = self.rule.name.clone();
        name.unwrap_or_else(|| format!("rules[{index}]"))
    }

    fn matches(&self, event: &Event<'_>) -> bool {
        let rule = &self.rule;
        rule.service == event.service
            && rule.fault.fits(event.point)
            && (rule.operation == "*" || event.operations.contains(&rule.operation.as_str()))
            && (rule.caller.is_none() || rule.caller.as_deref() == event.caller)
            && (!rule.fault.is_about_caller() || event.has_process)
            && rule
                .contains
                .as_deref()
                .is_none_or(|part| contains(event.body, part))
    }

    fn decide(&self) -> bool {
        let when = &self.rule.when;
        let mut state = lock(&self.state);
        state.matched += 1;
        let Some(since) = state.matched.checked_sub(when.after + 1) else {
            return false;
        };
        if when.every.is_some_and(|every| since % every != 0)
            || when.times.is_some_and(|times| state.fired >= times)
        {
            return false;
        }
        let fires = when
            .probability
            .is_none_or(|probability| state.rng.f64() < probability);
        state.fired += u64::from(fires);
        fires
    }
}

fn contains(body: &[u8], part: &str) -> bool {
    match std::str::from_utf8(body) {
        Ok(text) => text.contains(part),
        Err(_) => String::from_utf8_lossy(body).contains(part),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::plan::When;

    /// Which of `events` equal events had the fault, as `x` and `.`.
    fn pattern(seed: u64, when: When, events: usize) -> String {
        let mut rule = Rule::new(FaultService::Sqs, "SendMessage", Fault::Hang);
        rule.when = when;
        let active = ActivePlan::new(FaultPlan::seeded(seed).with(rule));
        let event = Event {
            point: Point::Request,
            service: FaultService::Sqs,
            operations: &["SendMessage"],
            caller: None,
            has_process: false,
            body: b"",
        };
        let fires = |_| match active.fire(&event).fault {
            Some(_) => 'x',
            None => '.',
        };
        (0..events).map(fires).collect()
    }

    fn check(after: u64, every: Option<u64>, times: Option<u64>, expected: &str) {
        let when = When {
            after,
            every: every.and_then(NonZeroU64::new),
            times,
            probability: None,
        };
        assert_eq!(pattern(0, when, expected.len()), expected);
    }

    #[test]
    fn counts() {
        check(0, None, None, "xxxx");
        check(2, None, None, "..xx");
        check(1, None, Some(2), ".xx..");
        check(0, None, Some(0), "...");
        check(0, Some(1), None, "xxxx");
        check(0, Some(3), None, "x..x..x");
        check(2, Some(2), Some(2), "..x.x...");
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let half = When {
            probability: Some(0.5),
            ..When::default()
        };
        let once = pattern(1, half, 64);
        assert_eq!(once, pattern(1, half, 64));
        assert_ne!(once, pattern(2, half, 64));
        let fired = once.matches('x').count();
        assert!((16..=48).contains(&fired), "{once}");
        for (probability, expected) in [(0.0, "...."), (1.0, "xxxx")] {
            let when = When {
                probability: Some(probability),
                ..When::default()
            };
            assert_eq!(pattern(3, when, 4), expected);
        }
    }

    #[test]
    fn one_rules_draws_do_not_depend_on_another_rule() {
        let half =
            |operation| Rule::new(FaultService::Sqs, operation, Fault::Hang).with_probability(0.5);
        let draws = |others: usize| {
            let plan = FaultPlan::seeded(9)
                .with(half("SendMessage"))
                .with(half("DeleteMessage"));
            let active = ActivePlan::new(plan);
            let fires = |operation: &str| {
                let event = Event {
                    point: Point::Request,
                    service: FaultService::Sqs,
                    operations: &[operation],
                    caller: None,
                    has_process: false,
                    body: b"",
                };
                active.fire(&event).fault.is_some()
            };
            for _ in 0..others {
                fires("SendMessage");
            }
            (0..32)
                .map(|_| fires("DeleteMessage"))
                .collect::<Vec<bool>>()
        };
        assert_eq!(draws(0), draws(7));
    }
}
