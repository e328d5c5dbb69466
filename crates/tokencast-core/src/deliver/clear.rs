//! The message of a deleted conversation.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, Either};
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::{Disposition, Message, UNREACHABLE};
use crate::conversation::purge::{self, PurgeError, Purged};
use crate::id::ConversationId;
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
    hide(context, conversation).await;
    let purged = purge::purge(
        context.store,
        context.conversations,
        context.clock,
        purge,
        message.deadline,
    );
    let hiding = keep_hidden(context, conversation);
    let purged = match future::select(pin!(purged), pin!(hiding)).await {
        Either::Left((purged, _)) => purged,
        Either::Right((never, _)) => match never {},
    };
    let disposition = match purged {
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

/// Keeps the message from other workers, however long the purge takes: each would delete the same.
async fn keep_hidden<P: Ports>(
    context: &AttemptContext<'_, P>,
    conversation: ConversationId,
) -> Infallible {
    loop {
        sleep(context.settings.lease / 3).await;
        hide(context, conversation).await;
    }
}

async fn hide<P: Ports>(context: &AttemptContext<'_, P>, conversation: ConversationId) {
    let hidden = context.receipt.extend_visibility(context.settings.lease);
    if let Err(error) = hidden.await {
        warn!(%conversation, error = &error as &dyn std::error::Error, "the message was not hidden");
    }
}
