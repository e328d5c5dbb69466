//! The message of a deleted conversation.

use std::time::Duration;

use tracing::{error, info, warn};

use super::{Disposition, Message, UNREACHABLE};
use crate::conversation::purge::{self, PurgeError, Purged};
use crate::job::Purge;
use crate::pipeline::AttemptContext;
use crate::ports::{Clock, Ports, Receipt};

/// Deletes what is left of a conversation.
pub(super) async fn clear<P: Ports>(
    context: &AttemptContext<'_, P>,
    message: &Message<'_>,
    purge: &Purge,
) -> Disposition {
    let conversation = purge.conversation_id;
    let hidden = context
        .receipt
        .extend_visibility(context.settings.lease)
        .await;
    if let Err(error) = hidden {
        warn!(%conversation, error = &error as &dyn std::error::Error, "the message was not hidden");
    }
    let purged = purge::purge(
        context.store,
        context.conversations,
        context.clock,
        purge,
        message.deadline,
    );
    let disposition = match purged.await {
        Ok(Purged::All | Purged::NotDeleted) => Disposition::Done,
        Ok(Purged::More) => Disposition::Again(Some(Duration::ZERO)),
        Ok(Purged::Wait { until }) => Disposition::Wait(until.since(context.clock.now())),
        Err(error @ PurgeError::OtherOwner) => {
            error!(%conversation, error = &error as &dyn std::error::Error, "a purge of somebody else's conversation");
            Disposition::Dead
        }
        Err(PurgeError::Store(error)) => {
            warn!(%conversation, error = &error as &dyn std::error::Error, "not purged yet");
            Disposition::Again(Some(UNREACHABLE.backoff.cap))
        }
    };
    info!(%conversation, ?disposition, "purge handled");
    disposition
}
