//! What a run costs, before it begins.

use super::deployment::Deployment;
use super::probe::Experiment;
use super::probes::beyond_quota::MOST_HELD;
use super::probes::delivery::{CROWD, CROWD_EVENTS};
use super::selection::Selection;

/// The sessions that an experiment starts: over AppSync, the Function URL and the WebSocket API.
const STARTS: [(Experiment, [usize; 3]); 13] = [
    (Experiment::Asked, [1, 0, 0]),
    (Experiment::Stopped, [1, 0, 0]),
    (Experiment::Reloaded, [1, 0, 0]),
    (Experiment::Conversed, [3, 0, 0]),
    (Experiment::Crowd, [1, 0, 0]),
    (Experiment::Url, [0, 1, 0]),
    (Experiment::UrlStopped, [0, 1, 0]),
    (Experiment::AiSdk, [0, 1, 1]),
    (Experiment::OpenAi, [0, 1, 0]),
    (Experiment::AgUi, [0, 1, 0]),
    (Experiment::WebSocket, [0, 0, 1]),
    (Experiment::WebSocketStopped, [0, 0, 1]),
    // They are stopped early.
    (Experiment::BeyondQuota, [MOST_HELD, 0, 0]),
];

/// The subscribers of an experiment's answers, and the most events of each.
const SUBSCRIBERS: [(Experiment, usize, usize); 5] = [
    (Experiment::Asked, 1, EVENTS_PER_ANSWER),
    (Experiment::Stopped, 1, EVENTS_PER_ANSWER),
    (Experiment::Reloaded, 2, EVENTS_PER_ANSWER),
    // Two hear of the conversation's turns, and of those of others meanwhile.
    (Experiment::Conversed, 2, 30),
    (Experiment::Crowd, CROWD, CROWD_EVENTS),
];

/// The events of one answer. A model that is asked for a sentence sends far fewer.
const EVENTS_PER_ANSWER: usize = 400;
/// The output of one short answer, rounded up.
const TOKENS_PER_ANSWER: usize = 80;
/// What the model reads for one prompt, history and system prompt included, rounded up.
const INPUT_PER_ANSWER: usize = 400;
/// Of a dear model, in US dollars for a million tokens.
const INPUT_PRICE: f64 = 5.0;
const OUTPUT_PRICE: f64 = 25.0;
/// AppSync's operations and real-time updates, in US dollars for a million: us-east-1's list prices.
const OPERATION_PRICE: f64 = 4.0;
const UPDATE_PRICE: f64 = 2.0;
/// Starts, reads, refusals, and looks at whether an answer is over.
const OPERATIONS: usize = 1_000;

/// The most that a run asks for, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Questions that a model answers: sessions that are started.
    pub answers: usize,
    /// Events that subscribers get, those of the hundred included.
    pub updates: usize,
    /// In US dollars.
    pub dollars: f64,
}

impl Estimate {
    /// Of the wanted probes of a deployment.
    pub fn of(deployment: &Deployment, selection: &Selection) -> Self {
        let channels = [
            true,
            deployment.function_url.is_some(),
            deployment.websocket_url.is_some(),
        ];
        let needed = STARTS
            .iter()
            .filter(|(experiment, _)| selection.needs(*experiment));
        let [mut answers, mut over_appsync] = [0, 0];
        for (_, starts) in needed {
            let there = starts.iter().zip(channels);
            answers += there
                .map(|(starts, is_there)| starts * usize::from(is_there))
                .sum::<usize>();
            over_appsync += starts[0];
        }
        let heard = SUBSCRIBERS
            .iter()
            .filter(|(experiment, ..)| selection.needs(*experiment));
        let updates = heard
            .map(|(_, subscribers, events)| subscribers * events)
            .sum();
        let million = |count: usize, price: f64| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let count = count as f64;
            count * price / 1_000_000.0
        };
        let operations = OPERATIONS + EVENTS_PER_ANSWER * over_appsync;
        let dollars = million(answers * INPUT_PER_ANSWER, INPUT_PRICE)
            + million(answers * TOKENS_PER_ANSWER, OUTPUT_PRICE)
            + million(operations, OPERATION_PRICE)
            + million(updates, UPDATE_PRICE);
        Self {
            answers,
            updates,
            dollars,
        }
    }

    /// In one line.
    pub fn as_text(&self) -> String {
        let Self {
            answers,
            updates,
            dollars,
        } = self;
        let asks = match answers {
            0 => "no question".to_owned(),
            1 => "at most 1 short question".to_owned(),
            more => format!("at most {more} short questions"),
        };
        let events = match updates {
            0 => "no events".to_owned(),
            more => format!("at most {more} events"),
        };
        format!(
            "It asks {asks} and has {events} delivered: about ${dollars:.2} with a dear model, and at most three minutes."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_costs_cents() {
        let everything = Selection::default();
        let bare = Estimate::of(&Deployment::default(), &everything);
        let deployment = Deployment {
            function_url: Some("https://there".into()),
            websocket_url: Some("wss://there".into()),
            ..Deployment::default()
        };
        let full = Estimate::of(&deployment, &everything);
        assert_eq!((bare.answers, full.answers), (7 + 8, 15 + 8));
        assert!(
            bare.dollars < full.dollars && full.dollars < 0.25,
            "{full:?}"
        );
        let errors = Selection::of(&["errors".to_owned()]).expect("a group");
        let text = Estimate::of(&deployment, &errors).as_text();
        assert!(
            text.starts_with("It asks no question and has no events"),
            "{text}"
        );
        let starts = Selection::of(&["sessions.starts".to_owned()]).expect("a probe");
        let text = Estimate::of(&deployment, &starts).as_text();
        assert!(
            text.starts_with("It asks at most 1 short question and"),
            "{text}"
        );
    }

    /// What the page says of a run is what the estimate says.
    #[test]
    fn the_page_has_the_estimates_figures() {
        let page = include_str!("../../../../docs/DOCTOR.md");
        let words: Vec<_> = page.split_whitespace().collect();
        let page = words.join(" ");
        let starts: usize = STARTS.iter().flat_map(|(_, starts)| starts).sum();
        let sure = starts - MOST_HELD;
        let Estimate { updates, .. } = Estimate::of(&Deployment::default(), &Selection::default());
        for part in [
            format!("The run starts {sure} sessions"),
            format!("if {MOST_HELD} more sessions or fewer do that"),
            format!("at least {sure} starts a minute"),
            format!("at most {updates} events"),
        ] {
            assert!(page.contains(&part), "{part}");
        }
    }
}
