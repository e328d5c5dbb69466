//! The sink of one job's events.

use futures_util::future::join;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::Failure;
use tokencast_core::job::Channel;
use tokencast_core::ports::{Fence, TokenSink};
use tokencast_core::session::{Progress, Session};
use tokencast_core::time::Deadline;

/// Sends events to the session's subscribers if its answer was asked for over that channel, and to its followers in any
/// case.
pub struct JobSink<'a, K, F> {
    subscribers: Option<&'a K>,
    followers: Option<F>,
}

impl<'a, K, F> JobSink<'a, K, F> {
    /// `followers` is `None` if there is no WebSocket API. The session's record has all events anyway.
    pub fn new(channel: Channel, subscribers: &'a K, followers: Option<F>) -> Self {
        Self {
            subscribers: (channel == Channel::Subscription).then_some(subscribers),
            followers,
        }
    }
}

impl<K: TokenSink, F: TokenSink> TokenSink for JobSink<'_, K, F> {
    async fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let published = async {
            match self.subscribers {
                Some(subscribers) => subscribers.publish(event, fence, deadline).await,
                None => Ok(()),
            }
        };
        let pushed = async {
            match &self.followers {
                Some(followers) => followers.publish(event, fence, deadline).await,
                None => Ok(()),
            }
        };
        let (published, pushed) = join(published, pushed).await;
        published.and(pushed)
    }

    fn on_record_changed(&self, session: &Session, progress: &Progress, fence: &Fence) {
        if let Some(subscribers) = self.subscribers {
            subscribers.on_record_changed(session, progress, fence);
        }
        if let Some(followers) = &self.followers {
            followers.on_record_changed(session, progress, fence);
        }
    }
}
