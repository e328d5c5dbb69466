//! Quotas by group of the user pool, as each channel learns a caller's groups.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{TestStack, collect, over_each_channel};
use tokencast_client::Error;

use crate::usage;

over_each_channel! {
    async fn a_user_of_a_group_has_the_groups_limits_and_another_the_default_ones(channel) {
        let stack = TestStack::start_over(channel, |options| {
            options.script = system_tests::stack::script(1, std::time::Duration::ZERO);
            options.stack.groups = vec!["alice=staff".parse().expect("a group"), "alice=pro".parse().expect("a group")];
            let quotas = json!({ "default": { "startsPerDay": 1 }, "groups": { "pro": { "startsPerDay": 2 } } });
            options.stack.quotas = Some(quotas.to_string());
        })
        .await;
        for (user, most) in [("alice", 2), ("bob", 1)] {
            let client = stack.client(user);
            for _ in 0..most {
                let answer = collect(client.stream("Why?")).await.expect("an answer");
                assert!(answer.is_completed(), "{user}: {:?}", answer.ending);
            }
            let refused = collect(client.stream("And?")).await;
            let Err(Error::QuotaExceeded { message, .. }) = refused else {
                panic!("{user}: {refused:?}")
            };
            assert!(message.contains(&format!("{most} of {most} used")), "{user}: {message}");
            let told = json!({ "used": most, "limit": most, "left": 0 });
            assert_eq!(usage(&stack, user).await["startsPerDay"], told, "{user}");
            let response = stack.url(Method::GET, "usage", user).send().await;
            let by_url: Value = response.expect("a response").json().await.expect("JSON");
            assert_eq!(by_url["startsPerDay"], told, "{user}");
        }
        stack.shutdown().await;
    }
}
