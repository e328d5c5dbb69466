//! The assistants of a deployment, and the choice among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::{Assistant, AssistantName, Price};

/// The assistants of a deployment. One of them answers where a start names none. Clones share them.
///
/// ```
/// use tokencast_core::assistant::{Assistant, Assistants};
///
/// let assistants = Assistants::from(Assistant::only("amazon.nova-lite-v1:0".to_owned(), 4096));
/// assert_eq!(assistants.choose(None, None)?.name.as_str(), "default");
/// assert!(assistants.choose(Some("other"), None).is_err());
/// # Ok::<(), tokencast_core::assistant::UnknownAssistant>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Assistants(Arc<Catalogue>);

#[derive(Debug, PartialEq)]
struct Catalogue {
    default: Arc<Assistant>,
    /// All, the default one too.
    by_name: BTreeMap<AssistantName, Arc<Assistant>>,
    /// By model id.
    prices: BTreeMap<String, Price>,
}

/// The default is none of the assistants.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no assistant `{0}`")]
pub struct NoDefault(pub AssistantName);

/// A start names an assistant that there is not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no assistant{}: expected {}", quoted(.named.as_ref()), list(.known))]
pub struct UnknownAssistant {
    /// What the start names, if it can be the name of one.
    pub named: Option<AssistantName>,
    /// Those that there are.
    pub known: Vec<AssistantName>,
}

fn quoted(name: Option<&AssistantName>) -> String {
    name.map_or_else(|| " of that name".into(), |name| format!(" `{name}`"))
}

fn list(names: &[AssistantName]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

impl Assistants {
    /// The catalogue of these assistants, with prices by model id.
    ///
    /// # Errors
    ///
    /// [`NoDefault`] if the default is none of them.
    pub fn new(
        default: &AssistantName,
        assistants: impl IntoIterator<Item = Assistant>,
        prices: BTreeMap<String, Price>,
    ) -> Result<Self, NoDefault> {
        let assistants = assistants.into_iter();
        let by_name: BTreeMap<_, _> = assistants
            .map(|assistant| (assistant.name.clone(), Arc::new(assistant)))
            .collect();
        let default = by_name
            .get(default)
            .ok_or_else(|| NoDefault(default.clone()))?;
        Ok(Self(Arc::new(Catalogue {
            default: Arc::clone(default),
            by_name,
            prices,
        })))
    }

    /// The assistant that answers a start: the one that it names, or else the one that its conversation remembers and
    /// that still exists, or else the default.
    ///
    /// # Errors
    ///
    /// [`UnknownAssistant`] if the start names one that there is not.
    pub fn choose(
        &self,
        named: Option<&str>,
        remembered: Option<&AssistantName>,
    ) -> Result<&Assistant, UnknownAssistant> {
        let Some(named) = named else {
            let remembered = remembered.and_then(|remembered| self.get(remembered));
            return Ok(remembered.unwrap_or_else(|| self.default_assistant()));
        };
        let named: Option<AssistantName> = named.parse().ok();
        let found = named.as_ref().and_then(|named| self.get(named));
        found.ok_or_else(|| UnknownAssistant {
            named: named.clone(),
            known: self.0.by_name.keys().cloned().collect(),
        })
    }

    pub fn get(&self, name: &AssistantName) -> Option<&Assistant> {
        self.0.by_name.get(name).map(AsRef::as_ref)
    }

    /// The one that answers where nobody names another.
    pub fn default_assistant(&self) -> &Assistant {
        &self.0.default
    }

    pub fn is_default(&self, assistant: &Assistant) -> bool {
        assistant.name == self.0.default.name
    }

    /// All, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Assistant> {
        self.0.by_name.values().map(AsRef::as_ref)
    }

    /// What the tokens of an assistant's model cost. `None` if its model has no price, or if there is no such assistant.
    pub fn price(&self, name: &AssistantName) -> Option<Price> {
        let assistant = self.get(name)?;
        self.0.prices.get(&assistant.model_id).copied()
    }
}

impl From<Assistant> for Assistants {
    /// A catalogue of one, without prices.
    fn from(assistant: Assistant) -> Self {
        let default = Arc::new(assistant);
        Self(Arc::new(Catalogue {
            by_name: BTreeMap::from([(default.name.clone(), Arc::clone(&default))]),
            default,
            prices: BTreeMap::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> AssistantName {
        text.parse().expect("a name")
    }

    fn assistant(text: &str) -> Assistant {
        Assistant {
            name: name(text),
            ..Assistant::only(format!("model-of-{text}"), 10)
        }
    }

    fn assistants() -> Assistants {
        let price = Price::of_dollars(1.0, 2.0, None, None).expect("a price");
        let prices = BTreeMap::from([("model-of-law".to_owned(), price)]);
        let all = [assistant("law"), assistant("general")];
        Assistants::new(&name("general"), all, prices).expect("a default")
    }

    #[test]
    fn a_start_gets_what_it_names_or_what_its_conversation_remembers_or_the_default() {
        for (named, remembered, expected) in [
            (None, None, Ok("general")),
            (None, Some("law"), Ok("law")),
            (None, Some("gone"), Ok("general")),
            (Some("law"), None, Ok("law")),
            (Some("general"), Some("law"), Ok("general")),
            (
                Some("gone"),
                Some("law"),
                Err("there is no assistant `gone`: expected `general` or `law`"),
            ),
            (
                Some("Not a name"),
                None,
                Err("there is no assistant of that name: expected `general` or `law`"),
            ),
        ] {
            let assistants = assistants();
            let chosen = assistants.choose(named, remembered.map(name).as_ref());
            let chosen = chosen.map(|it| it.name.as_str());
            let chosen = chosen.map_err(|error| error.to_string());
            assert_eq!(
                chosen,
                expected.map_err(str::to_owned),
                "{named:?} {remembered:?}"
            );
        }
    }

    #[test]
    fn a_catalogue_has_its_default_and_prices_of_models() {
        let refused = Assistants::new(&name("gone"), [assistant("law")], BTreeMap::new());
        assert_eq!(refused, Err(NoDefault(name("gone"))));
        let assistants = assistants();
        let names: Vec<_> = assistants.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["general", "law"]);
        let priced = ["law", "general", "gone"].map(|it| assistants.price(&name(it)).is_some());
        assert_eq!(priced, [true, false, false]);
    }
}
