//! The services that store something: keys, tables and queues.

use local_cognito::Cognito;
use local_dynamodb::DynamoDb;
use local_faults::Faults;
use local_iam::CredentialStore;
use local_iam::own_keys::OwnKeys;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::write_failures::WriteFailures;
use local_sqs::Sqs;

use super::{StackConfig, StackError};
use crate::state_directory::StateDirectory;

pub(super) struct PersistentServices {
    pub(super) cognito: Cognito,
    pub(super) dynamodb: DynamoDb,
    pub(super) sqs: Sqs,
    pub(super) keys: OwnKeys,
    pub(super) failures: WriteFailures,
}

impl PersistentServices {
    pub(super) fn open(
        config: &StackConfig,
        state: &StateDirectory,
        endpoints: &Endpoints,
        clock: &Clock,
        faults: &Faults,
        credentials: &CredentialStore,
    ) -> Result<Self, StackError> {
        let pool = &config.user_pool;
        let issuer = endpoints.issuer(&pool.pool_id);
        let cognito = Cognito::new(pool, issuer, state.kept(), clock.clone())?;
        let failures = WriteFailures::default();
        let dynamodb = DynamoDb::start_with(&config.tables, state.kept(), clock, &failures)?
            .with_faults(faults.clone());
        let sqs = Sqs::with_faults(
            &config.queues,
            endpoints.clone(),
            clock.clone(),
            state.kept(),
            faults.clone(),
            &failures,
        )?;
        let keys =
            OwnKeys::open(state.path(), &endpoints.account_id, credentials).map_err(|source| {
                StackError::StateDirectory {
                    path: state.path().to_owned(),
                    source,
                }
            })?;
        Ok(Self {
            cognito,
            dynamodb,
            sqs,
            keys,
            failures,
        })
    }
}
