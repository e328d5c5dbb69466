//! Documents: parsed, validated, and cached for the next request with the same text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use apollo_compiler::ExecutableDocument;
use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::Valid;

use super::schema::ApiSchema;
use super::validation;
use crate::errors::{GraphqlError, Location};
use crate::resolvers::Selected;

/// AppSync's limit on a query.
const MAX_TOKENS: usize = 15_000;
/// Far more than a query on nested types needs. It keeps the parser's stack small.
const MAX_NESTING: usize = 200;
/// How many documents are cached, and how long a cached one may be.
const MAX_CACHED: usize = 256;
const MAX_CACHED_BYTES: usize = 16 * 1024;

/// A validated document.
pub(crate) struct Document {
    pub(crate) text: Arc<str>,
    pub(crate) executable: Valid<ExecutableDocument>,
    /// Whether any field has an alias. If not, results and schema have the same field names.
    pub(crate) has_aliases: bool,
    /// Whether any selection has a directive, so that the selected fields may depend on variables.
    has_directives: bool,
    /// The selections of fields, by the position of the field. Only fields that were resolved are here.
    selected: Mutex<HashMap<usize, Selected>>,
}

/// Why a document can't be executed.
pub(crate) enum DocumentError {
    /// The text isn't GraphQL. AppSync responds with 400.
    Syntax(GraphqlError),
    TooManyTokens,
    /// The schema doesn't allow the document. AppSync responds with 200 and `data: null`.
    Invalid(Vec<GraphqlError>),
}

impl Document {
    fn parse(schema: &ApiSchema, text: &str) -> Result<Self, DocumentError> {
        let mut parser = Parser::new()
            .token_limit(MAX_TOKENS)
            .recursion_limit(MAX_NESTING);
        let ast = parser
            .parse_ast(text, "query.graphql")
            .map_err(|with_errors| {
                if parser.tokens_reached() >= MAX_TOKENS {
                    return DocumentError::TooManyTokens;
                }
                let first = with_errors
                    .errors
                    .iter()
                    .next()
                    .and_then(|error| error.line_column_range());
                let location = first.map(|range| Location {
                    line: range.start.line,
                    column: range.start.column,
                });
                DocumentError::Syntax(GraphqlError::request(
                    "Unable to parse GraphQL query.",
                    location,
                ))
            })?;
        let executable = ast
            .to_executable_validate(&schema.graphql)
            .map_err(|with_errors| {
                DocumentError::Invalid(validation::describe(schema, &ast, &with_errors.errors))
            })?;
        if executable.operations.is_empty() {
            let error = GraphqlError::request("Unable to parse GraphQL query.", None);
            return Err(DocumentError::Syntax(error));
        }
        let operations = executable
            .operations
            .iter()
            .map(|operation| &operation.selection_set);
        let fragments = executable
            .fragments
            .values()
            .map(|fragment| &fragment.selection_set);
        let sets: Vec<_> = operations.chain(fragments).collect();
        let has_aliases = sets.iter().any(|set| any_alias(set));
        let has_directives = sets.iter().any(|set| any_directive(set));
        Ok(Self {
            text: text.into(),
            has_aliases,
            has_directives,
            executable,
            selected: Mutex::default(),
        })
    }

    /// The selection of a response key's fields. `list` computes it, unless an earlier request has.
    pub(crate) fn selected(
        &self,
        fields: &[&Node<Field>],
        list: impl FnOnce() -> Vec<String>,
    ) -> Selected {
        let Some(field) = fields.first() else {
            return Selected {
                list: Arc::default(),
                graphql: Arc::default(),
            };
        };
        let describe = || Selected {
            list: list().into(),
            graphql: if field.selection_set.is_empty() {
                Arc::default()
            } else {
                field.selection_set.to_string().into()
            },
        };
        let is_fixed = fields.len() == 1 && !self.has_directives;
        let Some(place) = field.location().filter(|_| is_fixed) else {
            return describe();
        };
        let mut selected = self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        selected
            .entry(place.offset())
            .or_insert_with(describe)
            .clone()
    }

    /// The operation that `operationName` names, or the only one.
    pub(crate) fn operation(&self, name: Option<&str>) -> Result<&Operation, GraphqlError> {
        let name = name.filter(|name| !name.is_empty());
        self.executable
            .operations
            .get(name)
            .map(AsRef::as_ref)
            .map_err(|_| {
                let message = match name {
                    Some(name) => format!("Unknown operation named '{name}'."),
                    None => "Must provide operation name if query contains multiple operations."
                        .to_owned(),
                };
                GraphqlError::typed("BadRequestException", message)
            })
    }

    pub(crate) fn location(&self, span: Option<SourceSpan>) -> Option<Location> {
        let at = span?.line_column(&self.executable.sources)?;
        Some(Location {
            line: at.line,
            column: at.column,
        })
    }
}

fn any_alias(set: &SelectionSet) -> bool {
    set.selections.iter().any(|selection| match selection {
        Selection::Field(field) => field.alias.is_some() || any_alias(&field.selection_set),
        Selection::InlineFragment(inline) => any_alias(&inline.selection_set),
        Selection::FragmentSpread(_) => false,
    })
}

fn any_directive(set: &SelectionSet) -> bool {
    set.selections.iter().any(|selection| {
        !selection.directives().is_empty()
            || match selection {
                Selection::Field(field) => any_directive(&field.selection_set),
                Selection::InlineFragment(inline) => any_directive(&inline.selection_set),
                Selection::FragmentSpread(_) => false,
            }
    })
}

/// The documents that were used last.
#[derive(Default)]
pub(crate) struct DocumentCache {
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    documents: HashMap<Arc<str>, (Arc<Document>, u64)>,
    uses: u64,
}

impl DocumentCache {
    /// The document of this text, which is parsed and validated once for as long as it is cached.
    pub(crate) fn get(
        &self,
        schema: &ApiSchema,
        text: &str,
    ) -> Result<Arc<Document>, DocumentError> {
        if let Some(document) = self.find(text) {
            return Ok(document);
        }
        let document = Arc::new(Document::parse(schema, text)?);
        if text.len() <= MAX_CACHED_BYTES {
            self.insert(Arc::clone(&document));
        }
        Ok(document)
    }

    fn find(&self, text: &str) -> Option<Arc<Document>> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.uses += 1;
        let now = cached.uses;
        let (document, last_use) = cached.documents.get_mut(text)?;
        *last_use = now;
        Some(Arc::clone(document))
    }

    fn insert(&self, document: Arc<Document>) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.documents.len() >= MAX_CACHED {
            let oldest = cached
                .documents
                .iter()
                .min_by_key(|(_, (_, last_use))| *last_use);
            if let Some(oldest) = oldest.map(|(text, _)| Arc::clone(text)) {
                cached.documents.remove(&oldest);
            }
        }
        let now = cached.uses;
        cached
            .documents
            .insert(Arc::clone(&document.text), (document, now));
    }
}
