//! What a run costs, before it begins.

use super::deployment::Deployment;
use super::probe::Experiment;
use super::probes::delivery::CROWD;
use super::selection::Selection;

/// Answers that use up the quota which the CDK app gives to a deployment. They are stopped early.
const HELD: usize = 4;
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

/// What a run asks for, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Questions that a model answers.
    pub answers: usize,
    /// Events that subscribers get, those of the hundred included.
    pub updates: usize,
    /// In US dollars.
    pub dollars: f64,
}

impl Estimate {
    /// Of the wanted probes of a deployment.
    pub fn of(deployment: &Deployment, selection: &Selection) -> Self {
        let asked = |experiments: &[(Experiment, usize)]| -> usize {
            let needed = experiments
                .iter()
                .filter(|(experiment, _)| selection.needs(*experiment));
            needed.map(|(_, answers)| answers).sum()
        };
        let over_appsync = asked(&[
            (Experiment::Asked, 1),
            (Experiment::Stopped, 1),
            (Experiment::Reloaded, 1),
            (Experiment::Conversed, 3),
            (Experiment::Crowd, 1),
            (Experiment::BeyondQuota, HELD),
        ]);
        let over_url = asked(&[
            (Experiment::Url, 1),
            (Experiment::UrlStopped, 1),
            (Experiment::AiSdk, 1),
            (Experiment::OpenAi, 1),
            (Experiment::AgUi, 1),
        ]);
        let over_websocket = asked(&[
            (Experiment::WebSocket, 1),
            (Experiment::WebSocketStopped, 1),
            (Experiment::AiSdk, 1),
        ]);
        let answers = over_appsync
            + over_url * usize::from(deployment.function_url.is_some())
            + over_websocket * usize::from(deployment.websocket_url.is_some());
        let events = TOKENS_PER_ANSWER + 1;
        let crowd = asked(&[(Experiment::Crowd, CROWD)]);
        let updates = events * (over_appsync + 1 + crowd);
        let million = |count: usize, price: f64| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let count = count as f64;
            count * price / 1_000_000.0
        };
        let dollars = million(answers * INPUT_PER_ANSWER, INPUT_PRICE)
            + million(answers * TOKENS_PER_ANSWER, OUTPUT_PRICE)
            + million(OPERATIONS + events * over_appsync, OPERATION_PRICE)
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
        format!(
            "It asks {answers} short questions and has some {updates} events delivered: about ${dollars:.2} with a dear model, and at most three minutes."
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
        assert_eq!((bare.answers, full.answers), (11, 19));
        assert!(
            bare.dollars < full.dollars && full.dollars < 0.25,
            "{full:?}"
        );
        let errors = Selection::of(&["errors".to_owned()]).expect("a group");
        assert_eq!(Estimate::of(&deployment, &errors).answers, 0);
    }
}
