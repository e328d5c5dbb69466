//! Limits a request's depth and number of resolvers.
//!
//! AppSync's guide gives the limits but not the errors' texts, so the texts here are ours. AppSync counts each resolver
//! that runs, once for each item of a list. Here a field counts once for each time it is in the request, however long
//! the list is.

use std::collections::HashMap;

use apollo_compiler::executable::{Operation, Selection, SelectionSet};

use super::Core;
use super::document::Document;
use crate::errors::GraphqlError;

#[derive(Clone, Copy, Default)]
struct Size {
    depth: u32,
    resolvers: u32,
}

/// Checks the API's limits. A validated document has no cycle of fragments.
pub(crate) fn check(
    core: &Core,
    document: &Document,
    operation: &Operation,
) -> Result<(), GraphqlError> {
    let limits = core.limits;
    if limits.query_depth.is_none() && limits.resolver_count.is_none() {
        return Ok(());
    }
    let mut measure = Measure {
        core,
        document,
        fragments: HashMap::new(),
    };
    let size = measure.set(&operation.selection_set);
    if let Some(limit) = limits.query_depth.filter(|limit| size.depth > limit.get()) {
        let message = format!("The query is nested deeper than the API allows: {limit} levels.");
        return Err(GraphqlError::typed("QueryDepthLimitReached", message));
    }
    if let Some(limit) = limits
        .resolver_count
        .filter(|limit| size.resolvers > limit.get())
    {
        let message = format!("The query has more resolvers than the API allows: {limit}.");
        return Err(GraphqlError::typed("ResolverCountLimitReached", message));
    }
    Ok(())
}

struct Measure<'a> {
    core: &'a Core,
    document: &'a Document,
    /// Each fragment's size is computed once. Otherwise fragments that each spread others twice would take exponential
    /// time.
    fragments: HashMap<&'a str, Size>,
}

impl<'a> Measure<'a> {
    /// Depth counts from 1, for the set's own fields.
    fn set(&mut self, set: &'a SelectionSet) -> Size {
        let mut all = Size::default();
        for selection in &set.selections {
            let size = match selection {
                Selection::Field(field) => {
                    let settings = self.core.schema.field(set.ty.as_str(), &field.name);
                    let resolved = settings.is_some_and(|settings| settings.resolver.is_some());
                    let below = self.set(&field.selection_set);
                    Size {
                        depth: below.depth.saturating_add(1),
                        resolvers: below.resolvers.saturating_add(resolved.into()),
                    }
                }
                Selection::InlineFragment(inline) => self.set(&inline.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            all.depth = all.depth.max(size.depth);
            all.resolvers = all.resolvers.saturating_add(size.resolvers);
        }
        all
    }

    fn fragment(&mut self, name: &'a str) -> Size {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        let fragment = self.document.executable.fragments.get(name);
        let size = fragment.map_or_else(Size::default, |it| self.set(&it.selection_set));
        self.fragments.insert(name, size);
        size
    }
}
