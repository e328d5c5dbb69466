//! The field and argument at a position of a document.

use apollo_compiler::ast::{self, Argument, Definition, Selection, Value};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Node, Schema};

use crate::errors::Location;

/// The field and argument at a position.
#[derive(Default)]
pub(super) struct DocumentPosition {
    /// Field names from the root, or from a fragment's name, joined by `/`.
    pub(super) path: String,
    pub(super) field: String,
    /// The field's type, if the schema has the field.
    pub(super) field_type: String,
    /// Whether the field has a selection set, even an empty one.
    pub(super) has_selections: bool,
    /// The argument's name, and its value as AppSync's messages write it: `IntValue{value=5}`.
    pub(super) argument: Option<(String, String)>,
}

impl DocumentPosition {
    pub(super) fn find(schema: &Schema, document: &ast::Document, at: Location) -> Self {
        let mut position = Self::default();
        let Some(offset) = offset(document, at) else {
            return position;
        };
        for definition in &document.definitions {
            let (parent, selections, location) = match definition {
                Definition::OperationDefinition(operation) => {
                    let root = schema
                        .root_operation(operation.operation_type)
                        .map(ToString::to_string);
                    (root, &operation.selection_set, operation.location())
                }
                Definition::FragmentDefinition(fragment) => (
                    Some(fragment.type_condition.to_string()),
                    &fragment.selection_set,
                    fragment.location(),
                ),
                _ => continue,
            };
            if contains(location, offset) {
                position.descend(schema, parent, selections, offset);
                if let (Definition::FragmentDefinition(fragment), false) =
                    (definition, position.path.is_empty())
                {
                    position.path = format!("{}/{}", fragment.name, position.path);
                }
            }
        }
        position
    }

    fn descend(
        &mut self,
        schema: &Schema,
        parent: Option<String>,
        selections: &[Selection],
        offset: usize,
    ) {
        for selection in selections {
            match selection {
                Selection::Field(field) if contains(field.location(), offset) => {
                    if !self.path.is_empty() {
                        self.path.push('/');
                    }
                    self.path.push_str(&field.name);
                    let ty = parent
                        .as_deref()
                        .and_then(|parent| schema.type_field(parent, &field.name).ok());
                    let ty = ty.map(|definition| definition.ty.inner_named_type().to_string());
                    self.field = field.name.to_string();
                    self.field_type = ty.clone().unwrap_or_default();
                    self.has_selections = !field.selection_set.is_empty();
                    self.argument = argument(&field.arguments, offset);
                    return self.descend(schema, ty, &field.selection_set, offset);
                }
                Selection::InlineFragment(inline) if contains(inline.location(), offset) => {
                    let parent = inline
                        .type_condition
                        .as_ref()
                        .map(ToString::to_string)
                        .or(parent);
                    return self.descend(schema, parent, &inline.selection_set, offset);
                }
                _ => {}
            }
        }
    }
}

fn argument(arguments: &[Node<Argument>], offset: usize) -> Option<(String, String)> {
    let argument = arguments
        .iter()
        .find(|argument| contains(argument.location(), offset))?;
    Some((argument.name.to_string(), describe(&argument.value)))
}

fn describe(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Null => "NullValue{}".to_owned(),
        Value::Enum(name) => format!("EnumValue{{name='{name}'}}"),
        Value::Variable(name) => format!("VariableReference{{name='{name}'}}"),
        Value::String(text) => format!("StringValue{{value='{text}'}}"),
        Value::Float(number) => format!("FloatValue{{value={number}}}"),
        Value::Int(number) => format!("IntValue{{value={number}}}"),
        Value::Boolean(flag) => format!("BooleanValue{{value={flag}}}"),
        Value::List(items) => {
            format!(
                "ArrayValue{{values=[{}]}}",
                joined(items.iter().map(|item| describe(item)).collect())
            )
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| {
                format!("ObjectField{{name='{name}', value={}}}", describe(value))
            });
            format!("ObjectValue{{objectFields=[{}]}}", joined(fields.collect()))
        }
    }
}

fn contains(span: Option<SourceSpan>, offset: usize) -> bool {
    span.is_some_and(|span| (span.offset()..span.end_offset()).contains(&offset))
}

/// The byte offset of a line and a column.
fn offset(document: &ast::Document, at: Location) -> Option<usize> {
    let source = document.sources.values().next()?.source_text();
    let before = source
        .split_inclusive('\n')
        .take(at.line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let line = source.get(before..)?;
    Some(
        before
            + line
                .chars()
                .take(at.column.saturating_sub(1))
                .map(char::len_utf8)
                .sum::<usize>(),
    )
}
