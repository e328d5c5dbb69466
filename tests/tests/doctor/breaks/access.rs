//! What a second user may not do.

use local_stack::faults::{Fault, FaultService, Rule};

use crate::cases::{Case, case, edit, of_type};

pub(super) fn access(alice: &str) -> Vec<Case> {
    // The resolver passes on another caller: the first user, whoever asks.
    let as_alice = |id, field| case(id).resolver(field, "ctx.identity?.sub", format!("'{alice}'"));
    let published = |id, returns: &'static str| {
        case(id).template(move |resources| {
            let schema = of_type(resources, "AWS::AppSync::GraphQLSchema");
            let text = &mut schema["Properties"]["Definition"];
            let from = format!("): {returns}!\n    @aws_iam\n");
            let to = format!("): {returns}!\n    @aws_iam @aws_cognito_user_pools\n");
            edit(text, &from, &to);
        })
    };
    vec![
        case("access.sign-in").rule(Rule::new(
            FaultService::Cognito,
            "RespondToAuthChallenge",
            Fault::error("NotAuthorizedException"),
        )),
        published("access.users-cannot-publish", "TokenEvent"),
        published(
            "access.users-cannot-publish-conversations",
            "ConversationEvent",
        ),
        as_alice("access.stranger-reads", "getStream"),
        as_alice("access.stranger-stops", "stopStream"),
        as_alice("access.stranger-starts", "startStream"),
        as_alice("access.stranger-subscribes", "onTokenReceived"),
        as_alice("access.stranger-reads-conversation", "conversation"),
        as_alice("access.stranger-deletes-conversation", "deleteConversation"),
        as_alice("access.stranger-hears-list", "onConversationsUpdated"),
    ]
}
