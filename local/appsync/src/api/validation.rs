//! AppSync's validation messages: `Validation error of type FieldUndefined: Field 'x' in type 'Query' is undefined @
//! 'x'`.

use apollo_compiler::ast;
use apollo_compiler::validation::DiagnosticList;

use super::position::DocumentPosition;
use super::schema::ApiSchema;
use crate::errors::{GraphqlError, Location};

pub(crate) fn describe(
    schema: &ApiSchema,
    document: &ast::Document,
    errors: &DiagnosticList,
) -> Vec<GraphqlError> {
    let described = errors.iter().filter_map(|diagnostic| {
        let location = diagnostic.line_column_range();
        let location = location.map(|range| Location {
            line: range.start.line,
            column: range.start.column,
        });
        let text = diagnostic.error.to_string();
        let position = location
            .map(|at| DocumentPosition::find(&schema.graphql, document, at))
            .unwrap_or_default();
        let name = diagnostic.error.unstable_error_name().unwrap_or_default();
        // The library drops unknown fields and then reports the selection as missing. The unknown field is an error of
        // its own.
        if name == "MissingSubselection" && position.has_selections {
            return None;
        }
        Some(GraphqlError::request(
            message(name, &text, &position),
            location,
        ))
    });
    described.collect()
}

fn message(name: &str, text: &str, position: &DocumentPosition) -> String {
    let words = quoted(text);
    let (kind, detail) = about_field(name, &words, position)
        .or_else(|| about_value(name, text, &words, position))
        .or_else(|| about_document(name, text, &words))
        .unwrap_or_else(|| ("InvalidSyntax", text.replace('`', "'")));
    if position.path.is_empty() {
        format!("Validation error of type {kind}: {detail}")
    } else {
        format!(
            "Validation error of type {kind}: {detail} @ '{}'",
            position.path
        )
    }
}

type Message = (&'static str, String);

fn about_field(
    name: &str,
    words: &[&str],
    DocumentPosition {
        field, field_type, ..
    }: &DocumentPosition,
) -> Option<Message> {
    Some(match name {
        "UndefinedField" => (
            "FieldUndefined",
            format!(
                "Field '{}' in type '{}' is undefined",
                word(words, 1),
                word(words, 0)
            ),
        ),
        "UndefinedArgument" => (
            "UnknownArgument",
            format!("Unknown field argument {}", word(words, 0)),
        ),
        "RequiredArgument" => {
            // `Query.getStream(sessionId:)`
            let coordinate = word(words, 0);
            let argument = coordinate
                .split('(')
                .nth(1)
                .unwrap_or(coordinate)
                .trim_end_matches([':', ')']);
            (
                "MissingFieldArgument",
                format!("Missing field argument {argument}"),
            )
        }
        "MissingSubselection" => (
            "SubSelectionRequired",
            format!("Sub selection required for type {field_type} of field {field}"),
        ),
        "SubselectionOnScalarType" | "SubselectionOnEnumType" => (
            "SubSelectionNotAllowed",
            format!(
                "Sub selection not allowed on leaf type {} of field {field}",
                word(words, 0)
            ),
        ),
        _ => return None,
    })
}

fn about_value(
    name: &str,
    text: &str,
    words: &[&str],
    position: &DocumentPosition,
) -> Option<Message> {
    Some(match name {
        "DisallowedVariableUsage" => (
            "VariableTypeMismatch",
            format!(
                "Variable type '{}' doesn't match expected type '{}'",
                word(words, 1),
                word(words, 3)
            ),
        ),
        "UnsupportedValueType"
        | "UndefinedEnumValue"
        | "UndefinedInputValue"
        | "RequiredField"
        | "IntCoercionError"
        | "FloatCoercionError" => ("WrongType", wrong_type(name, text, words, position)),
        "UndefinedVariable" => (
            "UndefinedVariable",
            format!("Undefined variable {}", word(words, 0)),
        ),
        "UnusedVariable" => (
            "UnusedVariable",
            format!("Unused variable {}", word(words, 0)),
        ),
        "UniqueVariable" => (
            "DuplicateVariableName",
            format!("There can be only one variable named '{}'", word(words, 0)),
        ),
        "UniqueArgument" => (
            "DuplicateArgumentNames",
            format!("There can be only one argument named '{}'", word(words, 0)),
        ),
        "VariableInputType" => ("NonInputTypeOnVariable", text.replace('`', "'")),
        _ => return None,
    })
}

fn wrong_type(name: &str, text: &str, words: &[&str], position: &DocumentPosition) -> String {
    let Some((argument, value)) = &position.argument else {
        return text.replace('`', "'");
    };
    let reason = match name {
        "UnsupportedValueType" => {
            // `expected value of type String!, found an integer`
            let expected = text
                .split("of type ")
                .nth(1)
                .and_then(|rest| rest.split(',').next())
                .unwrap_or_default();
            if value == "NullValue{}" {
                "must not be null".to_owned()
            } else {
                format!(
                    "is not a valid '{}'",
                    expected.trim_matches(['[', ']', '!'])
                )
            }
        }
        "UndefinedEnumValue" => format!("is not a valid '{}'", word(words, 1)),
        "UndefinedInputValue" => format!(
            "contains a field not in '{}': '{}'",
            word(words, 1),
            word(words, 0)
        ),
        "RequiredField" => {
            let field = word(words, 0).rsplit('.').next().unwrap_or_default();
            format!("is missing required fields '[{field}]'")
        }
        "IntCoercionError" => "is not a valid 'Int'".to_owned(),
        _ => "is not a valid 'Float'".to_owned(),
    };
    format!("argument '{argument}' with value '{value}' {reason}")
}

fn about_document(name: &str, text: &str, words: &[&str]) -> Option<Message> {
    Some(match name {
        "UndefinedFragment" => (
            "UndefinedFragment",
            format!("Undefined fragment {}", word(words, 0)),
        ),
        "UnusedFragment" => (
            "UnusedFragment",
            format!("Unused fragment {}", word(words, 0)),
        ),
        "RecursiveFragmentDefinition" => {
            ("FragmentCycle", "Fragment cycles not allowed".to_owned())
        }
        "InvalidFragmentSpread" => ("InvalidFragmentType", text.replace('`', "'")),
        "InvalidFragmentTarget" => (
            "FragmentTypeConditionInvalid",
            "Fragment type condition is invalid, must be on Object/Interface/Union".to_owned(),
        ),
        "UndefinedDefinition"
        | "UndefinedTypeInNamedFragmentTypeCondition"
        | "UndefinedTypeInInlineFragmentTypeCondition" => {
            ("UnknownType", format!("Unknown type {}", word(words, 0)))
        }
        "UndefinedDirective" => (
            "UnknownDirective",
            format!("Unknown directive {}", word(words, 0)),
        ),
        "UnsupportedLocation" => {
            let directive = text.split(' ').next().unwrap_or_default();
            (
                "MisplacedDirective",
                format!("Directive {directive} not allowed here"),
            )
        }
        "AmbiguousAnonymousOperation" => (
            "LoneAnonymousOperationViolation",
            "Anonymous operation with other operations.".to_owned(),
        ),
        "OperationNameCollision" => (
            "DuplicateOperationName",
            format!("There can be only one operation named '{}'", word(words, 0)),
        ),
        "FragmentNameCollision" => (
            "DuplicateFragmentName",
            format!("There can be only one fragment named '{}'", word(words, 0)),
        ),
        "ConflictingFieldType" | "ConflictingFieldName" | "ConflictingFieldArgument" => {
            ("FieldsConflict", text.replace('`', "'"))
        }
        "SubscriptionUsesMultipleFields" => (
            "SubscriptionMultipleRootFields",
            "A subscription operation must have exactly one root field.".to_owned(),
        ),
        _ => return None,
    })
}

fn word<'a>(words: &[&'a str], index: usize) -> &'a str {
    words
        .get(index)
        .map_or("", |word| word.trim_start_matches(['$', '@']))
}

/// The words between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The error for disabled introspection: AppSync responds as if the schema had no such field.
pub(crate) fn introspection_disabled(field: &str, location: Option<Location>) -> GraphqlError {
    let message = format!(
        "Validation error of type FieldUndefined: Field '{field}' in type 'Query' is undefined @ '{field}'"
    );
    GraphqlError::request(message, location)
}
