//! What a fault plan does to a function's invocation.

use std::sync::Arc;
use std::time::Duration;

use local_faults::{Event, Fault, FaultService, Faults, Point};
use local_kit::process::Process;
use rustix::process::Signal;

use crate::environment::Environment;

/// What the plan has for one invocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct InvocationFault {
    pub(crate) delay: Duration,
    pub(crate) harm: Option<Harm>,
}

#[derive(Clone, Debug)]
pub(crate) enum Harm {
    /// The function isn't invoked.
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

/// What the plan has for an invocation of `function` with `event`.
pub(crate) fn of_invocation(faults: &Faults, function: &str, event: &[u8]) -> InvocationFault {
    let Some(active) = faults.active(FaultService::Lambda) else {
        return InvocationFault::default();
    };
    let fired = active.fire(&Event {
        point: Point::Invocation,
        service: FaultService::Lambda,
        operations: &[function],
        caller: None,
        has_process: false,
        body: event,
    });
    let harm = match fired.strike.map(|strike| strike.fault) {
        Some(Fault::Error {
            error_type,
            message,
            ..
        }) => Some(Harm::Error {
            error_type: error_type.clone(),
            message: message
                .clone()
                .unwrap_or_else(|| "Caused by the fault plan.".to_owned()),
        }),
        Some(Fault::Kill { after_ms }) => Some(Harm::Kill {
            after: Duration::from_millis(*after_ms),
        }),
        Some(Fault::Freeze { after_ms, for_ms }) => Some(Harm::Freeze {
            after: Duration::from_millis(*after_ms),
            lasts: for_ms.map(Duration::from_millis),
        }),
        _ => None,
    };
    InvocationFault {
        delay: fired.delay,
        harm,
    }
}

/// Whether a batch of messages stays where it is, its function not invoked.
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
    fired.strike.is_some()
}

/// Kills or freezes the process while it runs this invocation, and not another.
pub(crate) fn apply(
    faults: &Faults,
    harm: &Harm,
    environment: &Arc<Environment>,
    request_id: &str,
) {
    let (after, lasts) = match harm {
        Harm::Error { .. } => return,
        Harm::Kill { after } => (*after, None),
        Harm::Freeze { after, lasts } => (*after, Some(*lasts)),
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
