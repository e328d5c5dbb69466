//! The requests of owners over AWS's services, as the functions have them that take requests.

use aws_config::SdkConfig;
use tokencast_core::assistant::Assistants;
use tokencast_core::ports::RequestPorts;
use tokencast_core::quota::Quotas;
use tokencast_core::requests::{Requests, Rules};

use crate::appsync::{AppSyncPublisher, SetupError};
use crate::clock::FunctionClock;
use crate::config::Reader;
use crate::conversations::ConversationTable;
use crate::queue::SqsQueue;
use crate::quotas::QuotaTable;
use crate::sessions::SessionTable;
use crate::settings;
use crate::tls::CaBundle;

/// AWS's tables, queue and API.
pub enum AwsRequestPorts {}

impl RequestPorts for AwsRequestPorts {
    type Sessions = SessionTable;
    type Conversations = ConversationTable;
    type Queue = SqsQueue;
    type Changes = AppSyncPublisher<FunctionClock>;
    type Clock = FunctionClock;
}

/// The requests of owners, over AWS.
pub type AwsRequests = Requests<AwsRequestPorts>;

/// What the functions that take requests are configured with.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestSettings {
    /// `QUEUE_URL`: where jobs go.
    pub queue_url: String,
    /// `SESSIONS_TABLE`: the DynamoDB table of sessions.
    pub sessions_table: String,
    /// `CONVERSATIONS_TABLE`: the DynamoDB table of conversations.
    pub conversations_table: String,
    /// `APPSYNC_API_URL`: the API whose subscribers hear of a conversation's changes.
    pub appsync_api_url: String,
    /// `QUOTAS`: the limits of callers, if there are any.
    pub quotas: Option<Quotas>,
    /// `QUOTAS_TABLE`: the DynamoDB table in which they are counted.
    pub quotas_table: Option<String>,
    /// `MAX_PROMPT_BYTES`, `SESSION_TTL_HOURS`, `START_WITHIN_SECONDS`, `CONVERSATION_TTL_DAYS`, `LEASE_SECONDS`,
    /// `MAX_HISTORY_TOKENS`.
    pub rules: Rules,
    /// `ASSISTANTS_FILE`, or else `MAX_TOKENS` and `CLIENT_SYSTEM_PROMPT`.
    pub assistants: Assistants,
}

impl RequestSettings {
    /// Reads the variables; the reader collects what is wrong.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            queue_url: reader.url("QUEUE_URL", "the URL of an SQS queue"),
            sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
            conversations_table: settings::conversations_table(reader),
            appsync_api_url: reader
                .url("APPSYNC_API_URL", "the GraphQL endpoint of an AppSync API"),
            quotas: settings::quotas(reader),
            quotas_table: settings::quotas_table(reader),
            rules: settings::rules(reader),
            assistants: settings::assistants(reader),
        }
    }

    /// # Errors
    ///
    /// There can be no publisher.
    pub fn requests(
        &self,
        sdk: &SdkConfig,
        ca_bundle: &CaBundle,
        clock: FunctionClock,
    ) -> Result<AwsRequests, SetupError> {
        let (sessions, conversations) = (&self.sessions_table, &self.conversations_table);
        let quotas_table = self.quotas_table.clone();
        let sessions = SessionTable::new(sdk, sessions.clone(), conversations.clone())
            .with_quotas(quotas_table.map(|name| QuotaTable::new(sdk, name)));
        Ok(Requests {
            conversations: ConversationTable::new(sdk, conversations.clone(), sessions.clone()),
            sessions,
            queue: SqsQueue::new(sdk, self.queue_url.clone()),
            changes: AppSyncPublisher::trusting(ca_bundle, sdk, &self.appsync_api_url, clock)?,
            clock,
            rules: self.rules,
            assistants: self.assistants.clone(),
            quotas: self.quotas.clone(),
        })
    }
}
