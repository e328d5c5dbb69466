//! Faults on purpose: a plan of what shall go wrong, where and how often.
//!
//! | module | what |
//! | --- | --- |
//! | [`plan`] | the plan as its user writes it, in JSON or in Rust |
//! | [`fault`] | what can go wrong, and where each fault fits |
//! | [`subscription_error`] | an `error` frame of AppSync's WebSockets |
//! | [`check`] | a plan that can't mean anything is refused |
//! | `active` | the plan while it is in force: which rule fires, and how often each did |
//! | [`endpoint`] | a service as the gateway sees it: its requests, their names, its errors |
//! | [`error_response`] | what errors of different services have in common |
//! | `operations` | the operations that a plan may name, where a service has few |
//! | `frames`, `late` | faults of frames on WebSockets, one receiver at a time |
//!
//! This is the engine alone: what a fault does to a service's requests, answers and processes is in that service.
//!
//! Without a plan a service pays one atomic load for each request or frame.

mod active;
pub mod check;
pub mod endpoint;
pub mod error_response;
pub mod fault;
mod frames;
mod late;
pub mod operations;
pub mod plan;
pub mod subscription_error;

pub use active::{Active, Event, Fired, Point, RuleReport, Strike};
pub use check::PlanError;
pub use endpoint::{Claims, Named, ServiceEndpoint};
pub use fault::Fault;
pub use frames::{AtStart, Delivered};
pub use plan::{FaultPlan, FaultService, Rule, When};
pub use subscription_error::{ErrorShape, FrameId, SubscriptionError};

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use local_kit::process::Process;
use local_kit::tasks::Tasks;
use rustix::process::Signal;

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
    tasks: Tasks,
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
    pub fn active(&self, service: FaultService) -> Option<Arc<Active>> {
        if self.shared.services.load(Ordering::Acquire) & service.bit() == 0 {
            return None;
        }
        self.current()
    }

    /// Starts a task that [`Faults::shutdown`] ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.tasks.spawn(task);
    }

    /// Stops a process, and lets it go on after `lasts`; without it, never.
    pub fn freeze(&self, process: &Arc<dyn Process>, lasts: Option<Duration>) {
        process.signal(Signal::STOP);
        if let Some(lasts) = lasts {
            let process = Arc::clone(process);
            self.spawn(async move {
                tokio::time::sleep(lasts).await;
                process.signal(Signal::CONT);
            });
        }
    }

    /// Ends what is still to come, such as frames that were delayed.
    pub async fn shutdown(&self) {
        if !self.shared.tasks.shutdown(SHUTDOWN_LIMIT).await {
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
