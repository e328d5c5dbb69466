//! Applies a fault plan to a function's invocations.

use std::sync::Arc;
use std::time::Duration;

use local_faults::{Event, Fault, FaultService, Faults, Point};
use local_kit::process::Process;
use rustix::process::Signal;

use crate::environment::Environment;

/// The delay and the fault of one invocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct InvocationPlan {
    pub(crate) delay: Duration,
    pub(crate) fault: Option<InvocationFault>,
}

#[derive(Clone, Debug)]
pub(crate) enum InvocationFault {
    /// Fails the invocation without invoking the function.
    Error {
        error_type: String,
        message: String,
    },
    Kill {
        after: Duration,
    },
    Freeze {
        after: Duration,
        lasts: Option<Duration>,
    },
}

/// What the plan does to an invocation of `function` with `event`.
pub(crate) fn of_invocation(faults: &Faults, function: &str, event: &[u8]) -> InvocationPlan {
    let Some(active) = faults.active(FaultService::Lambda) else {
        return InvocationPlan::default();
    };
    let fired = active.fire(&Event {
        point: Point::Invocation,
        service: FaultService::Lambda,
        operations: &[function],
        caller: None,
        has_process: false,
        body: event,
    });
    let fault = match fired.fault.map(|fired| fired.fault) {
        Some(Fault::Error {
            error_type,
            message,
            ..
        }) => Some(InvocationFault::Error {
            error_type: error_type.clone(),
            message: message
                .clone()
                .unwrap_or_else(|| "Caused by the fault plan.".to_owned()),
        }),
        Some(Fault::Kill { after_ms }) => Some(InvocationFault::Kill {
            after: Duration::from_millis(*after_ms),
        }),
        Some(Fault::Freeze { after_ms, for_ms }) => Some(InvocationFault::Freeze {
            after: Duration::from_millis(*after_ms),
            lasts: for_ms.map(Duration::from_millis),
        }),
        _ => None,
    };
    InvocationPlan {
        delay: fired.delay,
        fault,
    }
}

/// Whether the plan throttles a batch: its function isn't invoked, and the messages stay in the queue.
pub(crate) fn throttles_receive(faults: &Faults, function: &str, event: &[u8]) -> bool {
    let Some(active) = faults.active(FaultService::Lambda) else {
        return false;
    };
    let fired = active.fire(&Event {
        point: Point::Batch,
        service: FaultService::Lambda,
        operations: &[function],
        caller: None,
        has_process: false,
        body: event,
    });
    fired.fault.is_some()
}

/// Kills or freezes the process while it runs this invocation, but not while it runs another.
pub(crate) fn apply(
    faults: &Faults,
    fault: &InvocationFault,
    environment: &Arc<Environment>,
    request_id: &str,
) {
    let (after, lasts) = match fault {
        InvocationFault::Error { .. } => return,
        InvocationFault::Kill { after } => (*after, None),
        InvocationFault::Freeze { after, lasts } => (*after, Some(*lasts)),
    };
    let (plan, environment) = (faults.clone(), Arc::clone(environment));
    let request_id = request_id.to_owned();
    faults.spawn(async move {
        if !environment.taken(&request_id).await {
            return;
        }
        tokio::time::sleep(after).await;
        if environment.check(&request_id).is_err() {
            return;
        }
        match lasts {
            None => environment.signal(Signal::KILL),
            Some(lasts) => {
                let process: Arc<dyn Process> = environment;
                plan.freeze(&process, lasts);
            }
        }
    });
}
