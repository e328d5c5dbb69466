//! What `tokencast dev` prints once the stack answers.

use std::fmt::Write;
use std::path::Path;

use local_stack::config::UserPoolConfig;
use local_stack::gateway::CONTROL_PATH;
use serde_json::{Value, json};

use crate::stack::StackInfo;

pub(super) struct Ready<'a> {
    pub(super) stack: &'a StackInfo,
    pub(super) amplify_outputs: &'a Path,
    /// Whether the stack answers below `/_tokencast/`.
    pub(super) control: bool,
    /// How many rules of a fault plan are in force.
    pub(super) fault_rules: usize,
}

impl Ready<'_> {
    /// Returns one JSON object, for test harnesses.
    pub(super) fn json(&self) -> Value {
        let StackInfo {
            names,
            endpoints,
            user_pool,
            function_url,
            websocket_url,
            ca_file,
            access_key,
        } = self.stack;
        let users: Vec<Value> = user_pool
            .users
            .iter()
            .map(|user| {
                json!({
                    "username": user.username, "password": user.password, "email": user.email,
                    "sub": user_pool.sub(&user.username), "groups": user.groups,
                })
            })
            .collect();
        json!({
            "type": "ready",
            "url": endpoints.url(),
            "port": endpoints.address.port(),
            "region": endpoints.region,
            "accountId": endpoints.account_id,
            "graphqlUrl": endpoints.graphql_url(),
            "realtimeUrl": self.realtime_url(),
            "streamUrl": function_url,
            "webSocketUrl": websocket_url,
            "userPoolId": user_pool.pool_id,
            "userPoolClientId": user_pool.client_id,
            "cognitoEndpoint": format!("{}/", endpoints.url()),
            "users": users,
            "queueUrl": endpoints.queue_url(&names.queue),
            "deadLetterQueueUrl": endpoints.queue_url(&names.dead_letter_queue),
            "table": names.table,
            "conversationsTable": names.conversations_table,
            "quotasTable": names.quotas_table,
            "amplifyOutputs": self.amplify_outputs,
            "caFile": ca_file,
            "accessKeyId": access_key.id,
            "secretAccessKey": access_key.secret,
            "credentialsFile": access_key.file,
            "controlUrl": self.control.then(|| self.control_url()),
            "faultRules": self.fault_rules,
        })
    }

    /// Returns text for people, with everything that they may want to paste.
    pub(super) fn text(&self) -> String {
        let StackInfo {
            names,
            endpoints,
            user_pool,
            function_url,
            websocket_url,
            ca_file,
            access_key,
        } = self.stack;
        let (url, graphql, client_id) = (
            endpoints.url(),
            endpoints.graphql_url(),
            &user_pool.client_id,
        );
        let tables = [&names.table, &names.conversations_table].into_iter();
        let tables: Vec<_> = tables
            .chain(&names.quotas_table)
            .map(String::as_str)
            .collect();
        let mut text = format!(
            "Tokencast is running on {address}.\n\n\
             GraphQL          {graphql}\n\
             real time        {realtime}\n\
             AWS_ENDPOINT_URL {url}   (region {region}; SQS, DynamoDB, Cognito, Bedrock, Lambda)\n\
             queue            {queue}\n\
             dead letters     {dead_letters}\n\
             tables           {tables}\n\
             user pool        {pool}, client {client_id}\n",
            address = endpoints.address,
            realtime = self.realtime_url(),
            region = endpoints.region,
            queue = endpoints.queue_url(&names.queue),
            dead_letters = endpoints.queue_url(&names.dead_letter_queue),
            tables = tables.join(", "),
            pool = user_pool.pool_id,
        );
        // Writing to a string never fails.
        if let Some(url) = function_url {
            let _ = writeln!(text, "function URL     {url}");
        }
        if let Some(url) = websocket_url {
            let _ = writeln!(text, "WebSocket        {url}");
        }
        add_users(&mut text, user_pool);
        let (id, secret) = (&access_key.id, &access_key.secret);
        let _ = writeln!(
            text,
            "AWS SDKs         export AWS_ENDPOINT_URL={url} AWS_REGION={} \\\n                 \
             AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret}",
            endpoints.region,
        );
        let _ = writeln!(
            text,
            "Amplify          {}   (also {url}/amplify_outputs.json)",
            self.amplify_outputs.display()
        );
        let _ = writeln!(
            text,
            "TLS authority    {}   (for NODE_EXTRA_CA_CERTS)",
            ca_file.display()
        );
        if self.control {
            let _ = writeln!(text, "control          {}", self.control_url());
        }
        if self.fault_rules > 0 {
            let _ = writeln!(
                text,
                "faults           rules in force: {}",
                self.fault_rules
            );
        }
        if let Some(user) = user_pool.users.first() {
            let (name, password) = (&user.username, &user.password);
            let _ = write!(
                text,
                r#"
Sign in:
  TOKEN=$(curl -s {url}/ -H 'content-type: application/x-amz-json-1.1' \
    -H 'x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth' \
    -d '{{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"{client_id}","AuthParameters":{{"USERNAME":"{name}","PASSWORD":"{password}"}}}}' \
    | sed -E 's/.*"AccessToken" *: *"([^"]+)".*/\1/')

Start an answer:
  curl -s {graphql} -H "authorization: $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"mutation {{ startStream(prompt: \"Why do rivers meander?\") {{ sessionId status }} }}"}}'

Read it so far (put the sessionId in):
  curl -s {graphql} -H "authorization: $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"query {{ getStream(sessionId: \"SESSION_ID\") {{ status text sequence }} }}"}}'

Or all of it:
  tokencast ask --api-url {graphql} --token "$TOKEN" "Why do rivers meander?"

Ctrl-C ends it."#
            );
        }
        text
    }

    fn control_url(&self) -> String {
        self.stack.endpoints.url() + CONTROL_PATH
    }

    fn realtime_url(&self) -> String {
        self.stack.endpoints.graphql_url().replacen("http", "ws", 1) + "/realtime"
    }
}

/// Who may sign in, each on a line.
fn add_users(text: &mut String, user_pool: &UserPoolConfig) {
    for user in &user_pool.users {
        let sub = user_pool.sub(&user.username);
        // Writing to a string never fails.
        let _ = write!(
            text,
            "user             {:<5}   password {}   sub {sub}",
            user.username, user.password
        );
        if !user.groups.is_empty() {
            let _ = write!(text, "   groups {}", user.groups.join(", "));
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use local_stack::endpoints::Endpoints;

    use super::*;
    use crate::stack::{
        AccessKey, CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE, Names, QUEUE, QUOTAS_TABLE,
        REQUEST_FUNCTION, TABLE, USER_POOL_CLIENT_ID, USER_POOL_ID, WORKER_FUNCTION, users,
    };

    #[test]
    fn everything_to_paste_is_there() {
        let stack = StackInfo {
            names: Names {
                queue: QUEUE.into(),
                dead_letter_queue: DEAD_LETTER_QUEUE.into(),
                table: TABLE.into(),
                conversations_table: CONVERSATIONS_TABLE.into(),
                quotas_table: Some(QUOTAS_TABLE.into()),
                request_function: REQUEST_FUNCTION.into(),
                worker_function: WORKER_FUNCTION.into(),
            },
            endpoints: Endpoints {
                address: ([127, 0, 0, 1], 4680).into(),
                region: "us-east-1".into(),
                account_id: "000000000000".into(),
                api_id: "local".into(),
            },
            user_pool: UserPoolConfig {
                pool_id: USER_POOL_ID.into(),
                client_id: USER_POOL_CLIENT_ID.into(),
                users: users(),
                token_validity: std::time::Duration::from_hours(1),
                shares_key: false,
            },
            function_url: Some("http://localhost:4680/function-urls/function-url/".into()),
            websocket_url: Some("ws://localhost:4680/websocket/dev".into()),
            ca_file: "ca.pem".into(),
            access_key: AccessKey {
                id: "AKIALOCAL".into(),
                secret: "of-this-stack".into(),
                file: "credentials".into(),
            },
        };
        let ready = Ready {
            stack: &stack,
            amplify_outputs: Path::new("amplify_outputs.json"),
            control: true,
            fault_rules: 2,
        };
        let text = ready.text();
        for part in [
            "http://localhost:4680/graphql",
            "ws://localhost:4680/graphql/realtime",
            "http://localhost:4680/function-urls/function-url/",
            "ws://localhost:4680/websocket/dev",
            "alice",
            "bob",
            "tokencast-conversations, tokencast-quotas",
            "ca.pem",
            "AWS_ACCESS_KEY_ID=AKIALOCAL AWS_SECRET_ACCESS_KEY=of-this-stack",
            "http://localhost:4680/_tokencast/",
            "rules in force: 2",
            r#""AuthParameters":{"USERNAME":"alice","#,
            r#"{"query":"mutation { startStream(prompt: \"Why do rivers meander?\") { sessionId status } }"}"#,
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        let json = ready.json();
        assert_eq!(json["graphqlUrl"], "http://localhost:4680/graphql");
        assert_eq!(
            json["queueUrl"],
            "http://localhost:4680/000000000000/tokencast-jobs"
        );
        assert_eq!(json["users"][1]["username"], "bob");
        assert_eq!(json["quotasTable"], QUOTAS_TABLE);
        let sub = json["users"][0]["sub"].as_str().expect("a `sub`");
        assert!(text.contains(&format!("   sub {sub}\n")), "{text}");
        assert_eq!(json["accessKeyId"], "AKIALOCAL");
        assert_eq!(json["secretAccessKey"], "of-this-stack");
    }
}
