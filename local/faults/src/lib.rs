//! Fault plans: what shall fail on purpose, where, and how often.
//!
//! | module | what |
//! | --- | --- |
//! | `plan` | the plan as its user writes it, in JSON or in Rust |
//! | `service` | the services that a plan names, and where in them a fault can be applied |
//! | [`fault`] | the faults, and which services each is for |
//! | `replacement` | what stands in an answer or a frame in place of what the service says |
//! | `subscription_error` | an `error` frame of AppSync's WebSockets |
//! | `check` | refuses plans that can't have an effect |
//! | `active` | the plan in force: which rule fires, and how often |
//! | `endpoint` | how a service describes itself to the gateway |
//! | [`error_response`] | what the error responses of different services share |
//! | `operations` | the operations that a plan may name, for services that have few |
//! | `frames`, `delayed` | faults of WebSocket frames, for one receiver at a time |
//!
//! This crate decides which fault is due. Each service applies it to its own requests, responses and processes.
//!
//! Without a plan, a service pays one atomic load for each request or frame.

mod active;
mod check;
mod delayed;
mod endpoint;
pub mod error_response;
pub mod fault;
mod frames;
mod operations;
mod plan;
mod replacement;
mod service;
mod subscription_error;

pub use active::{ActivePlan, Event, Fired, FiredFault, RuleReport};
pub use check::PlanError;
pub use endpoint::{Claims, RequestInfo, ServiceEndpoint};
pub use fault::Fault;
pub use frames::{AtStart, Delivered};
pub use plan::{FaultPlan, Rule, When};
pub use replacement::Replacement;
pub use service::{FaultService, Point};
pub use subscription_error::{ErrorShape, FrameId, SubscriptionError};

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use local_kit::process::Process;
use local_kit::tasks::Tasks;
use rustix::process::Signal;

use delayed::DelayedFrames;

/// How long [`Faults::shutdown`] waits for cancelled tasks.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// The plan in force, without which nothing fails. Clones share it.
///
/// ```
/// use local_faults::{Fault, FaultPlan, FaultService, Faults, Rule};
///
/// let plan = FaultPlan::default().with(
///     Rule::new(FaultService::Sqs, "SendMessage", Fault::error("RequestThrottled")).times(2),
/// );
/// let faults = Faults::default();
/// faults.set(plan)?;   // the next two sends are refused
/// assert_eq!(faults.report()[0].fired, 0);
/// # Ok::<(), local_faults::PlanError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// One bit for each service that the plan has a rule for.
    services: AtomicU16,
    active: RwLock<Option<Arc<ActivePlan>>>,
    delayed: Arc<DelayedFrames>,
    tasks: Tasks,
}

impl Faults {
    /// Puts a plan in force and replaces the previous one. Counts start at zero. What the previous plan has begun, such
    /// as a delay, goes on.
    ///
    /// # Errors
    ///
    /// The plan can't have an effect. The previous plan then stays in force.
    pub fn set(&self, plan: FaultPlan) -> Result<(), PlanError> {
        plan.check()?;
        let services = plan
            .rules
            .iter()
            .fold(0, |services, rule| services | rule.service.bit());
        self.replace(Some(Arc::new(ActivePlan::new(plan))), services);
        Ok(())
    }

    /// Removes the plan.
    pub fn clear(&self) {
        self.replace(None, 0);
    }

    /// The plan in force, or an empty plan.
    pub fn plan(&self) -> FaultPlan {
        self.current()
            .map(|active| active.plan())
            .unwrap_or_default()
    }

    /// How often each rule matched and fired so far, in the plan's order.
    pub fn report(&self) -> Vec<RuleReport> {
        self.current()
            .map(|active| active.report())
            .unwrap_or_default()
    }

    /// The number of tasks that haven't ended, such as those that kill processes or send frames later.
    pub fn pending(&self) -> usize {
        self.shared.tasks.len()
    }

    /// The plan, if it has a rule for `service`.
    pub fn active(&self, service: FaultService) -> Option<Arc<ActivePlan>> {
        if self.shared.services.load(Ordering::Acquire) & service.bit() == 0 {
            return None;
        }
        self.current()
    }

    /// Starts a task that [`Faults::shutdown`] ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.tasks.spawn(task);
    }

    /// Stops a process, and lets it continue after `lasts`, or never without it.
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

    /// Cancels what hasn't happened yet, such as frames that were delayed.
    pub async fn shutdown(&self) {
        if !self.shared.tasks.shutdown(SHUTDOWN_LIMIT).await {
            tracing::warn!("tasks of the fault plan are left");
        }
    }

    fn current(&self) -> Option<Arc<ActivePlan>> {
        self.shared
            .active
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, active: Option<Arc<ActivePlan>>, services: u16) {
        let mut current = self
            .shared
            .active
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = active;
        self.shared.services.store(services, Ordering::Release);
    }
}
