//! Selection sets: which fields apply to an object, and how resolvers see them in `info`.

use apollo_compiler::collections::IndexMap;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Node, Schema, ast};
use serde_json::{Map, Value};

use super::document::Document;
use crate::resolvers::Selected;

/// The fields to execute for one object, by response key.
pub(crate) type Groups<'a> = IndexMap<&'a str, Vec<&'a Node<Field>>>;

/// The context in which a selection set is read.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) document: &'a Document,
    pub(crate) variables: &'a Map<String, Value>,
}

impl<'a> Scope<'a> {
    /// The fields of `sets` that apply to `object`, with fragments expanded and `@skip` and `@include` evaluated.
    pub(crate) fn collect(
        self,
        object: &str,
        sets: impl IntoIterator<Item = &'a SelectionSet>,
    ) -> Groups<'a> {
        let mut groups = Groups::default();
        let mut visited = Vec::new();
        for set in sets {
            self.collect_into(object, set, &mut visited, &mut groups);
        }
        groups
    }

    fn collect_into(
        self,
        object: &str,
        set: &'a SelectionSet,
        visited: &mut Vec<&'a str>,
        groups: &mut Groups<'a>,
    ) {
        for selection in &set.selections {
            if !self.included(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => groups
                    .entry(field.response_key().as_str())
                    .or_default()
                    .push(field),
                Selection::InlineFragment(inline) => {
                    if inline
                        .type_condition
                        .as_ref()
                        .is_none_or(|condition| self.applies(condition, object))
                    {
                        self.collect_into(object, &inline.selection_set, visited, groups);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    let fragment = self.document.executable.fragments.get(name);
                    if let Some(fragment) = fragment
                        && !visited.contains(&name)
                        && self.applies(fragment.type_condition(), object)
                    {
                        visited.push(name);
                        self.collect_into(object, &fragment.selection_set, visited, groups);
                    }
                }
            }
        }
    }

    fn included(self, directives: &ast::DirectiveList) -> bool {
        let condition = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            match value.as_ref() {
                ast::Value::Boolean(flag) => Some(*flag),
                ast::Value::Variable(variable) => self.variables.get(variable.as_str())?.as_bool(),
                _ => None,
            }
        };
        !condition("skip").unwrap_or(false) && condition("include").unwrap_or(true)
    }

    fn applies(self, condition: &str, object: &str) -> bool {
        condition == object
            || match self.schema.types.get(condition) {
                Some(ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                    self.schema.is_subtype(condition, object)
                }
                _ => false,
            }
    }

    /// The selection of a response key's fields, as a list of `a`, `b`, `b/c`. A field with an alias is listed under
    /// its alias.
    pub(crate) fn selected(self, fields: &[&'a Node<Field>]) -> Selected {
        self.document.selected(fields, || {
            let mut list = Vec::new();
            self.list_into("", fields, &mut list);
            list
        })
    }

    fn list_into(self, prefix: &str, fields: &[&'a Node<Field>], list: &mut Vec<String>) {
        let Some(first) = fields.first() else { return };
        let named = first.ty().inner_named_type();
        // Without an object, all possible types of an abstract field count.
        let objects: Vec<&str> = match self.schema.types.get(named) {
            Some(ExtendedType::Object(object)) => vec![object.name.as_str()],
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                let types = self
                    .schema
                    .types
                    .iter()
                    .filter(|(_, definition)| definition.is_object());
                types
                    .map(|(name, _)| name.as_str())
                    .filter(|name| self.schema.is_subtype(named, name))
                    .collect()
            }
            _ => return,
        };
        for object in objects {
            for (key, fields) in
                self.collect(object, fields.iter().map(|field| &field.selection_set))
            {
                let path = if prefix.is_empty() {
                    key.to_owned()
                } else {
                    format!("{prefix}/{key}")
                };
                if !list.contains(&path) {
                    list.push(path.clone());
                    self.list_into(&path, &fields, list);
                }
            }
        }
    }

    /// The part of a mutation's result that subscribers get: the selected fields under the schema's names, without
    /// those that the mutation gave an alias.
    pub(crate) fn restrict(self, result: &Value, fields: &[&'a Node<Field>]) -> Value {
        match result {
            Value::Array(items) => items
                .iter()
                .map(|item| self.restrict(item, fields))
                .collect(),
            Value::Object(given) => {
                let Some(first) = fields.first() else {
                    return Value::Null;
                };
                let named = first.ty().inner_named_type().as_str();
                let object = given
                    .get("__typename")
                    .and_then(Value::as_str)
                    .unwrap_or(named);
                let groups = self.collect(object, fields.iter().map(|field| &field.selection_set));
                let kept = groups.iter().filter(|(key, fields)| {
                    fields.first().is_some_and(|field| field.name == **key)
                });
                let kept = kept.filter_map(|(key, fields)| {
                    let value = given.get(*key)?;
                    let is_composite = fields.iter().any(|field| !field.selection_set.is_empty());
                    let value = if is_composite {
                        self.restrict(value, fields)
                    } else {
                        value.clone()
                    };
                    Some(((*key).to_owned(), value))
                });
                Value::Object(kept.collect())
            }
            leaf => leaf.clone(),
        }
    }
}
