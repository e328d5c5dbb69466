//! Faults on purpose: a plan of what shall go wrong, where and how often.
//!
//! | module | what |
//! | --- | --- |
//! | [`plan`] | the plan as its user writes it, in JSON or in Rust |
//! | [`fault`] | what can go wrong, and where each fault fits |
//! | [`subscription_error`] | an `error` frame of AppSync's WebSockets |
//! | [`check`] | a plan that can't mean anything is refused |
//! | `active` | the plan while it is in force: which rule fires, and how often each did |
//! | `request` | faults of a request, at the gateway |
//! | `answers` | errors in each service's own shape |
//! | `operations` | what a request's operation is called |
//! | `frames`, `late` | faults of frames on WebSockets, one receiver at a time |
//! | `invocation` | faults of a function's invocation |
//! | `model_stream` | faults within a model's answer |
//! | `url_body` | faults within a function URL's response |
//!
//! Without a plan a service pays one atomic load for each request or frame.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod active;
mod answers;
pub mod check;
pub mod fault;
mod frames;
mod invocation;
mod late;
mod model_stream;
mod operations;
pub mod plan;
mod request;
pub mod subscription_error;
mod url_body;

pub use active::RuleReport;
pub use check::PlanError;
pub use fault::Fault;
pub use plan::{FaultPlan, FaultService, Rule, When};
pub use subscription_error::{ErrorShape, FrameId, SubscriptionError};

pub(crate) use active::{Active, Event, Point};
pub(crate) use frames::{AtStart, Delivered};
pub(crate) use invocation::Harm;
pub(crate) use model_stream::disturb;
pub(crate) use operations::operations;
pub(crate) use request::{Interceptor, Verdict, service_of};
pub(crate) use url_body::{BodyEnd, BodyFault};

use late::Late;

/// How long [`Faults::shutdown`] waits for tasks that were told to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// The plan in force. Clones share it; without a plan nothing ever goes wrong here.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// A bit for each service that the plan has a rule for.
    services: AtomicU16,
    active: RwLock<Option<Arc<Active>>>,
    late: Arc<Late>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Faults {
    /// Puts a plan in force in place of the one before; its counts begin at zero. What the one before has begun, such as
    /// a delay, goes on.
    ///
    /// # Errors
    /// A plan that can't mean anything; the one before then stays.
    pub fn set(&self, plan: FaultPlan) -> Result<(), PlanError> {
        plan.check()?;
        let services = plan
            .rules
            .iter()
            .fold(0, |services, rule| services | rule.service.bit());
        self.replace(Some(Arc::new(Active::new(plan))), services);
        Ok(())
    }

    /// From now on nothing goes wrong any more.
    pub fn clear(&self) {
        self.replace(None, 0);
    }

    /// The plan in force; without one, an empty plan.
    pub fn plan(&self) -> FaultPlan {
        self.current()
            .map(|active| active.plan())
            .unwrap_or_default()
    }

    /// How often each rule of the plan matched and fired so far, in the plan's order.
    pub fn report(&self) -> Vec<RuleReport> {
        self.current()
            .map(|active| active.report())
            .unwrap_or_default()
    }

    /// How much of what was begun is still to come: processes to kill, freeze or thaw later, frames to send later.
    pub fn pending(&self) -> usize {
        self.shared.tasks.len()
    }

    /// The plan, if it has a rule for `service`.
    pub(crate) fn active(&self, service: FaultService) -> Option<Arc<Active>> {
        if self.shared.services.load(Ordering::Acquire) & service.bit() == 0 {
            return None;
        }
        self.current()
    }

    /// Starts a task that [`Faults::shutdown`] ends.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.shared.closing.clone();
        self.shared
            .tasks
            .spawn(async move { closing.run_until_cancelled(task).await });
    }

    /// Ends what is still to come, such as frames that were delayed.
    pub(crate) async fn shutdown(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(SHUTDOWN_LIMIT, self.shared.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("tasks of the fault plan are left");
        }
    }

    fn current(&self) -> Option<Arc<Active>> {
        self.shared
            .active
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, active: Option<Arc<Active>>, services: u16) {
        let mut current = self
            .shared
            .active
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = active;
        self.shared.services.store(services, Ordering::Release);
    }
}
