//! The Function URL and the WebSocket API, in our own protocol and in others.

use local_stack::faults::{Fault, FaultService, Replacement, Rule};
use serde_json::json;

use super::SOON;
use crate::cases::{Case, case, of_type, other_status};

pub(super) fn url() -> Vec<Case> {
    let invoke = |fault| Rule::new(FaultService::FunctionUrl, "Invoke", fault);
    let refused = Rule::new(
        FaultService::Sqs,
        "SendMessage",
        Fault::error("InvalidParameterValue"),
    );
    let held = Fault::HoldEmpty {
        even_if_length_is_zero: true,
    };
    // The requests come one after the other: without a token, the question, `GET` from the second event on, `GET` from
    // the last one on, and the second user's `GET` and `DELETE`.
    vec![
        case("url.no-token").rule(other_status(0, 200)),
        case("url.delayed-job").rule(refused.called_by("function-url")),
        case("url.answers").rule(
            invoke(Fault::StreamCut { after_tokens: 2 })
                .after(1)
                .times(1),
        ),
        // The response comes whole, as from a Function URL whose invoke mode is `BUFFERED`.
        case("url.streams").rule(
            invoke(Fault::Replace(Replacement::default()))
                .after(1)
                .times(1),
        ),
        case("url.resumes").rule(other_status(2, 404)),
        case("url.empty-response")
            .rule(invoke(held))
            .limits(|limits| limits.empty = SOON),
        // Its requests are a question, and then its stop, which never reaches the function.
        case("url.stops").rule(invoke(broken()).after(1).times(1)),
        case("url.stranger-reads").rule(other_status(4, 200)),
        case("url.stranger-stops").rule(other_status(5, 200)),
    ]
}

fn broken() -> Fault {
    Fault::Error {
        error_type: "InternalServerErrorException".to_owned(),
        status: Some(500),
        message: None,
    }
}

pub(super) fn websocket() -> Vec<Case> {
    let identified = |id, source: &'static str| {
        case(id).template(move |resources| {
            let authorizer = of_type(resources, "AWS::ApiGatewayV2::Authorizer");
            authorizer["Properties"]["IdentitySource"] = json!([source]);
        })
    };
    let data = |fault| Rule::new(FaultService::WebSocket, "data", fault);
    let other_code = Replacement::of("/error/code", json!("OTHER"));
    vec![
        case("websocket.no-token")
            .rule(Rule::new(FaultService::WebSocket, "connect", broken()).times(1)),
        identified(
            "websocket.token-in-query",
            "route.request.header.Authorization",
        ),
        identified(
            "websocket.token-in-header",
            "route.request.querystring.token",
        ),
        case("websocket.answers").rule(data(Fault::Drop).containing("\"type\":\"token\"").times(1)),
        case("websocket.resumes").rule(data(Fault::Drop).containing("\"type\":\"resumed\"")),
        case("websocket.stops").rule(data(Fault::Drop).containing("\"CANCELLED\"")),
        case("websocket.stranger-resumes")
            .rule(data(Fault::Replace(other_code)).containing("\"UNAUTHORIZED\"")),
        case("websocket.long-message")
            .options(|options| options.stack.websocket.message_bytes = 34 * 1024),
    ]
}

pub(super) fn protocols() -> Vec<Case> {
    let lost = Rule::new(FaultService::WebSocket, "data", Fault::Drop);
    let cut = |path| {
        let cut = Fault::StreamCut { after_tokens: 2 };
        Rule::new(FaultService::FunctionUrl, "Invoke", cut).containing(path)
    };
    // A page's requests come one after the other: a message, its chat while the answer comes and after it, and the same
    // message again. The models come after the assistants.
    vec![
        case("protocols.ai-sdk-url").rule(other_status(0, 500)),
        case("protocols.ai-sdk-resumes").rule(other_status(1, 500)),
        case("protocols.ai-sdk-nothing-running").rule(other_status(2, 500)),
        case("protocols.ai-sdk-repeated").rule(other_status(3, 500)),
        case("protocols.ai-sdk-websocket").rule(lost.containing("\"type\":\"text-delta\"")),
        case("protocols.openai-models").rule(other_status(1, 500)),
        case("protocols.openai").rule(cut("/v1/chat/completions")),
        case("protocols.ag-ui").rule(cut("/ag-ui")),
    ]
}
