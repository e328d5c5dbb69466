//! Which probes are wanted: all of them, or some by name.

use std::collections::BTreeSet;

use thiserror::Error;

use super::probe::{Experiment, Probe, group_of};
use super::probes::{UNSEEN, all};

/// The probes that are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// `None`: every probe.
    ids: Option<BTreeSet<&'static str>>,
}

/// A name that is neither a probe's nor a group's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "--only `{name}` is no probe, expected one's id, such as `sessions.stop`, or a group: {groups}"
)]
pub struct UnknownProbe {
    name: String,
    groups: String,
}

impl Selection {
    /// The probes and the groups of these names. No names are every probe.
    ///
    /// # Errors
    ///
    /// There is none of a name.
    pub fn of(names: &[String]) -> Result<Self, UnknownProbe> {
        let probes = all().into_iter().map(|probe| probe.id);
        // What can't be probed has a line in the report, too.
        let known: Vec<_> = probes
            .chain(UNSEEN.iter().map(|unseen| unseen.id))
            .collect();
        let mut ids = BTreeSet::new();
        for name in names.iter().map(|name| name.trim()) {
            let meant = known
                .iter()
                .filter(|id| **id == name || group_of(id) == name);
            let meant: Vec<_> = meant.copied().collect();
            ids.extend(&meant);
            if meant.is_empty() {
                let groups: BTreeSet<_> = known.iter().map(|id| group_of(id)).collect();
                let groups: Vec<_> = groups.into_iter().collect();
                return Err(UnknownProbe {
                    name: name.to_owned(),
                    groups: groups.join(", "),
                });
            }
        }
        Ok(Self {
            ids: (!names.is_empty()).then_some(ids),
        })
    }

    /// Whether a probe is wanted.
    pub fn has(&self, id: &str) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(id))
    }

    /// Whether an experiment is needed that starts a session, or would if it weren't refused.
    pub fn may_start(&self) -> bool {
        all()
            .iter()
            .any(|probe| probe.experiment.may_start() && self.needs(probe.experiment))
    }

    /// Whether a wanted probe judges what an experiment finds, or what another finds that begins with it.
    pub fn needs(&self, experiment: Experiment) -> bool {
        let wanted = |probe: &Probe| {
            self.has(probe.id)
                && (probe.experiment == experiment
                    || probe.experiment.needs().contains(&experiment))
        };
        // A `global.` profile is seen to work by the answer to the question.
        let by_others = experiment == Experiment::Asked && self.has("deployed.global-profile");
        by_others || all().iter().any(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Selection, UnknownProbe> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Selection::of(&names)
    }

    #[test]
    fn probes_and_groups_are_selected_with_what_they_need() {
        let everything = of(&[]).expect("everything");
        assert!(everything.has("url.answers") && everything.has("unseen.mail"));
        let some = of(&["errors", "sessions.one-answer"]).expect("some");
        for (id, has) in [
            ("errors.malformed", true),
            ("sessions.one-answer", true),
            ("sessions.stop", false),
        ] {
            assert_eq!(some.has(id), has, "{id}");
        }
        for (experiment, needs) in [
            (Experiment::Refusals, true),
            (Experiment::Again, true),
            (Experiment::Asked, true),
            (Experiment::Stopped, false),
            (Experiment::Crowd, false),
        ] {
            assert_eq!(some.needs(experiment), needs, "{experiment:?}");
        }
        let unseen = of(&["unseen.mail"]).expect("what can't be probed");
        assert!(unseen.has("unseen.mail") && !unseen.has("unseen.expiry"));
        assert!(of(&["unseen"]).expect("a group").has("unseen.expiry"));
        let unknown = of(&["errors", "nothing"]).expect_err("unknown");
        let text = unknown.to_string();
        assert!(
            text.contains("`nothing`") && text.contains("sessions"),
            "{text}"
        );
    }
}
