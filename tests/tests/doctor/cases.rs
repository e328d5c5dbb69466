//! What can be different in a stack that breaks a promise.

use local_cloudformation::Template;
use local_stack::faults::{Fault, FaultPlan, FaultService, Replacement, Rule};
use serde_json::Value;
use system_tests::TestStack;
use system_tests::stack::TestOptions;
use tokencast::doctor::context::Limits;
use tokencast::doctor::examine::Settings;
use tokencast::doctor::probe::Probe;
use tokencast::doctor::probes;
use tokencast::doctor::report::Report;
use tokencast::doctor::selection::Selection;

use crate::control_plane::{Answers, ControlPlane};
use crate::scene::{Run, examined, limits, stack};

/// The committed template, which every local stack is made from.
const TEMPLATE: &str = include_str!("../../../cdk/templates/local.template.json");

type Change<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A stack that breaks one promise, and the probe that has to notice.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    /// Other probes that fail for the same reason.
    with: &'static [&'static str],
    plan: FaultPlan,
    options: Option<Change<TestOptions>>,
    limits: Option<Change<Limits>>,
    answers: Option<Change<Answers>>,
    /// A message that is in the dead-letter queue before.
    dead_letter: Option<&'static str>,
}

/// A case of this probe.
pub(crate) fn case(id: &'static str) -> Case {
    Case {
        id,
        with: &[],
        plan: FaultPlan::default(),
        options: None,
        limits: None,
        answers: None,
        dead_letter: None,
    }
}

impl Case {
    pub(crate) fn with(mut self, others: &'static [&'static str]) -> Self {
        self.with = others;
        self
    }

    pub(crate) fn rule(mut self, rule: Rule) -> Self {
        self.plan = self.plan.with(rule);
        self
    }

    pub(crate) fn options(
        mut self,
        change: impl FnOnce(&mut TestOptions) + Send + 'static,
    ) -> Self {
        self.options = Some(Box::new(change));
        self
    }

    /// Changes the resources of the template.
    pub(crate) fn template(self, change: impl FnOnce(&mut Value) + Send + 'static) -> Self {
        self.options(|options| {
            let mut template: Value = serde_json::from_str(TEMPLATE).expect("JSON");
            change(&mut template["Resources"]);
            let template = Template::parse(&template.to_string());
            options.stack.template = Some(template.expect("a template"));
        })
    }

    /// Changes the code of a field's resolver.
    pub(crate) fn resolver(self, field: &'static str, from: &'static str, to: String) -> Self {
        self.template(move |resources| {
            let resolver = find(resources, |resource| {
                resource["Properties"]["FieldName"] == field
            });
            edit(&mut resolver["Properties"]["Code"], from, &to);
        })
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits) + Send + 'static) -> Self {
        self.limits = Some(Box::new(change));
        self
    }

    /// Has AWS's APIs beside the local stack, with other answers than a healthy deployment's.
    pub(crate) fn answers(mut self, change: impl FnOnce(&mut Answers) + Send + 'static) -> Self {
        self.answers = Some(Box::new(change));
        self
    }

    pub(crate) fn dead_letter(mut self, body: &'static str) -> Self {
        self.dead_letter = Some(body);
        self
    }

    /// Whether its stack is as every other, but for a plan.
    pub(crate) fn is_by_plan(&self) -> bool {
        self.options.is_none() && self.dead_letter.is_none()
    }

    /// Runs doctor on a stack of its own, or on one that has no faults. Returns what is wrong with what it said.
    pub(crate) async fn check(self, shared: Option<&TestStack>) -> Result<(), String> {
        let Self {
            id,
            with,
            plan,
            options,
            limits: change_limits,
            answers: change_answers,
            dead_letter,
        } = self;
        let own = match shared {
            Some(_) => None,
            None => Some(
                stack(|test_options| {
                    if let Some(change) = options {
                        change(test_options);
                    }
                })
                .await,
            ),
        };
        let stack = own.as_ref().or(shared).expect("a stack");
        if let Some(body) = dead_letter {
            let send = stack.sqs().send_message().message_body(body);
            let taken = send.queue_url(stack.dead_letter_queue_url()).send().await;
            taken.expect("the queue takes it");
        }
        let mut limits = limits();
        if let Some(change) = change_limits {
            change(&mut limits);
        }
        let control_plane = match change_answers {
            Some(change) => {
                let mut answers = Answers::default();
                change(&mut answers);
                Some(ControlPlane::start(answers).await)
            }
            None => None,
        };
        // A whole run for each case would take an hour: these probes judge what the same experiments find.
        let (all, named) = (probes::all(), [&[id], with].concat());
        let of_case = |probe: &Probe| named.contains(&probe.id);
        let experiments: Vec<_> = all
            .iter()
            .filter(|it| of_case(it))
            .map(|it| it.experiment)
            .collect();
        let judged = all
            .iter()
            .filter(|probe| experiments.contains(&probe.experiment));
        let judged: Vec<_> = judged.map(|probe| probe.id.to_owned()).collect();
        let run = Run {
            settings: Settings {
                limits,
                disruptive: id.starts_with("disruptive."),
                selection: Selection::of(&judged).expect("probes"),
            },
            control_plane,
            ..Run::default()
        };
        let report = examined(stack, plan, run).await;
        if let Some(own) = own {
            own.shutdown().await;
        }
        judge(id, with, &report)
    }
}

fn judge(id: &str, with: &[&str], report: &Report) -> Result<(), String> {
    let failed = report.failed();
    let others: Vec<_> = failed
        .iter()
        .filter(|other| **other != id && !with.contains(other))
        .map(|other| (other, report.verdict(other)))
        .collect();
    if !failed.contains(&id) {
        return Err(format!(
            "{id}: {:?}; failed: {others:?}",
            report.verdict(id)
        ));
    }
    if others.is_empty() {
        return Ok(());
    }
    Err(format!("{id}: others failed as well: {others:?}"))
}

/// The first resource that is wanted.
pub(crate) fn find(resources: &mut Value, is_wanted: impl Fn(&Value) -> bool) -> &mut Value {
    let resources = resources.as_object_mut().expect("resources");
    let mut wanted = resources
        .values_mut()
        .filter(|resource| is_wanted(resource));
    wanted.next().expect("a resource like that")
}

/// The first resource of a type.
pub(crate) fn of_type<'a>(resources: &'a mut Value, kind: &str) -> &'a mut Value {
    find(resources, |resource| resource["Type"] == kind)
}

/// Replaces a part of a text, which has to be there.
pub(crate) fn edit(text: &mut Value, from: &str, to: &str) {
    let before = text.as_str().expect("a text");
    assert!(before.contains(from), "{from} is in {before}");
    *text = before.replace(from, to).into();
}

/// AppSync answers a field of the named operation otherwise.
pub(crate) fn answered(field: &str, operation: &str, pointer: &str, value: Value) -> Rule {
    let replaced = Fault::Replace(Replacement::of(pointer, value));
    Rule::new(FaultService::AppSync, field, replaced).containing(operation)
}

/// AppSync refuses a field of the named operation.
pub(crate) fn refused(field: &str, operation: &str) -> Rule {
    let fault = Fault::GraphqlError {
        error_type: "Lambda:Unhandled".to_owned(),
        message: None,
    };
    Rule::new(FaultService::AppSync, field, fault).containing(operation)
}

/// AppSync's subscribers don't get frames with this text.
pub(crate) fn dropped(text: &str) -> Rule {
    Rule::new(FaultService::Realtime, "data", Fault::Drop).containing(text)
}

/// Another HTTP status of the Function URL's request number `after`, counted from 0.
pub(crate) fn other_status(after: u64, status: u16) -> Rule {
    let fault = Fault::Replace(Replacement::with_status(status));
    Rule::new(FaultService::FunctionUrl, "Invoke", fault)
        .after(after)
        .times(1)
}
