//! Execution: resolves each field and completes its value to the schema's type. If a field fails that can't be null,
//! its parent fails too.

use apollo_compiler::Node;
use apollo_compiler::ast::Type;
use apollo_compiler::executable::Field;
use apollo_compiler::schema::ExtendedType;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use serde_json::Value;
use tokio::time::Instant;

use super::access::Access;
use super::completed::{Completed, Path, assemble, at, list, mismatch, non_null, nullify};
use super::leaf;
use super::schema::{ApiSchema, FieldSettings};
use super::selection::{Groups, Scope};
use super::{Core, coerce};
use crate::caller::{Caller, Identity};
use crate::errors::{Failure, GraphqlError, SlashPath};
use crate::resolvers::{Call, Resolved, Resolver, ResolverError};

/// What the fields of one request are resolved with.
pub(crate) struct Execution<'a> {
    pub(crate) core: &'a Core,
    pub(crate) scope: Scope<'a>,
    /// `None` while an event is rendered for a subscriber: nothing is resolved, and access was checked at the start.
    pub(crate) request: Option<Request<'a>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) deadline: Instant,
}

impl<'a> Execution<'a> {
    /// Executes the fields of one object concurrently: all of a query's, and all below the root.
    pub(crate) fn object<'f>(
        &'f self,
        object: &'f str,
        source: Option<&'f Value>,
        groups: &'f Groups<'a>,
        path: Option<&'f Path<'f>>,
    ) -> BoxFuture<'f, Completed> {
        async move {
            let resolved = |fields: &Vec<&Node<Field>>| {
                fields
                    .first()
                    .and_then(|field| self.settings(object, field)?.resolver.as_ref())
                    .is_some()
            };
            let in_parallel = self.request.is_some()
                && groups.values().filter(|fields| resolved(fields)).count() > 1;
            let fields = groups.iter().map(|(key, fields)| async move {
                self.field(object, source, fields, &Path::field(path, key))
                    .await
            });
            let answers = self.all(fields, in_parallel).await;
            assemble(groups.keys().copied().zip(answers))
        }
        .boxed()
    }

    /// Executes one field of an object: checks access, resolves the value, and completes it.
    pub(crate) async fn field(
        &self,
        object: &str,
        source: Option<&Value>,
        fields: &[&'a Node<Field>],
        path: &Path<'_>,
    ) -> Completed {
        let Some(field) = fields.first() else {
            return Completed::value(Value::Null);
        };
        if field.name == "__typename" {
            return Completed::value(Value::String(object.to_owned()));
        }
        let ty = &field.definition.ty;
        let mut resolved = self.resolve(object, source, fields, path).await;
        let Some(value) = resolved.value.take() else {
            return nullify(ty, resolved);
        };
        let mut completed = self.complete(object, value, fields, path).await;
        // The errors that the resolver appended come before those of its result.
        resolved.errors.append(&mut completed.errors);
        Completed {
            value: completed.value,
            errors: resolved.errors,
        }
    }

    /// Completes a field's value to its type.
    pub(crate) async fn complete(
        &self,
        object: &str,
        value: Value,
        fields: &[&'a Node<Field>],
        path: &Path<'_>,
    ) -> Completed {
        let Some(field) = fields.first() else {
            return Completed::value(Value::Null);
        };
        let ty = &field.definition.ty;
        if is_leaf(&self.core.schema, ty) {
            self.leaf(ty, value, object, path)
        } else {
            self.composite(ty, value, fields, object, path).await
        }
    }

    async fn all(
        &self,
        futures: impl Iterator<Item = impl Future<Output = Completed> + Send> + Send,
        in_parallel: bool,
    ) -> Vec<Completed> {
        if in_parallel {
            return join_all(futures).await;
        }
        let mut completed = Vec::new();
        for future in futures {
            completed.push(future.await);
        }
        completed
    }

    fn settings(&self, object: &str, field: &Field) -> Option<&'a FieldSettings> {
        self.core.schema.field(object, &field.name)
    }

    async fn resolve(
        &self,
        object: &str,
        source: Option<&Value>,
        fields: &[&'a Node<Field>],
        path: &Path<'_>,
    ) -> Completed {
        let field = fields[0];
        let from_source = || {
            source
                .and_then(|source| source.get(field.name.as_str()))
                .cloned()
                .unwrap_or_default()
        };
        let (Some(request), Some(settings)) = (self.request, self.settings(object, field)) else {
            return Completed::value(from_source());
        };
        if !self.admitted(
            request.caller,
            &settings.access,
            object,
            field,
            source.is_none(),
        ) {
            return Completed::failed(self.failure(field, path, unauthorized(object, &field.name)));
        }
        let Some(resolver) = &settings.resolver else {
            return Completed::value(from_source());
        };
        match self.call(resolver, request, object, source, fields).await {
            Ok(Resolved { value, errors }) => Completed {
                value: Some(value),
                errors: errors
                    .into_iter()
                    .map(|error| self.failure(field, path, error))
                    .collect(),
            },
            Err(errors) => Completed {
                value: None,
                errors: errors
                    .into_iter()
                    .map(|error| self.failure(field, path, error))
                    .collect(),
            },
        }
    }

    pub(crate) async fn call(
        &self,
        resolver: &Resolver,
        request: Request<'_>,
        object: &str,
        source: Option<&Value>,
        fields: &[&'a Node<Field>],
    ) -> Result<Resolved, Vec<ResolverError>> {
        let field = fields[0];
        let Scope {
            schema, variables, ..
        } = self.scope;
        let arguments = coerce::arguments(schema, field, variables)
            .map_err(|message| vec![ResolverError::new("ValidationError", message)])?;
        let call = Call {
            type_name: object,
            field_name: &field.name,
            arguments,
            caller: request.caller,
            source,
            variables,
            selected: self.scope.selected(fields),
        };
        resolver
            .resolve(
                &self.core.invoke,
                &self.core.scripts,
                &call,
                request.deadline,
            )
            .await
    }

    /// Whether the caller may access a field. A policy is checked for root fields only, as on AWS: a grant of
    /// `Mutation.publishToken` also allows reading what it returns.
    pub(crate) fn admitted(
        &self,
        caller: &Caller,
        access: &Access,
        object: &str,
        field: &Field,
        is_root: bool,
    ) -> bool {
        let modes = &self.core.auth_modes;
        modes.contains(&caller.auth_mode())
            && access.admits(caller)
            && match &caller.identity {
                Identity::Iam(principal) if is_root => principal.allows(
                    "appsync:GraphQL",
                    &self.core.endpoints.field_arn(object, &field.name),
                ),
                _ => true,
            }
    }

    pub(crate) fn failure(
        &self,
        field: &Node<Field>,
        path: &Path<'_>,
        error: ResolverError,
    ) -> GraphqlError {
        GraphqlError {
            message: error.message,
            path: Some(path.segments()),
            location: self.scope.document.location(field.location()),
            failure: Some(Box::new(Failure {
                error_type: error.error_type,
                data: error.data,
                error_info: error.error_info,
            })),
        }
    }

    /// Completes scalars, enums and lists of them.
    fn leaf(&self, ty: &Type, value: Value, parent: &str, path: &Path<'_>) -> Completed {
        let completed = match value {
            Value::Null => Completed::value(Value::Null),
            Value::Array(items) if ty.is_list() => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    let path = Path::index(path, index);
                    self.leaf(ty.item_type(), item, parent, &path)
                });
                list(items)
            }
            _ if ty.is_list() => Completed::failed(mismatch(path, "LIST")),
            value => match leaf::serialize(self.scope.schema, ty.inner_named_type(), value) {
                Ok(value) => Completed::value(value),
                Err(reason) => {
                    let segments = path.segments();
                    let message = format!(
                        "Can't serialize value ({}) : {reason}",
                        SlashPath(&segments)
                    );
                    Completed::failed(at(segments, message))
                }
            },
        };
        non_null(ty, completed, parent, path)
    }

    /// Completes objects, interfaces, unions and lists of them.
    fn composite<'f>(
        &'f self,
        ty: &'f Type,
        value: Value,
        fields: &'f [&'a Node<Field>],
        parent: &'f str,
        path: &'f Path<'f>,
    ) -> BoxFuture<'f, Completed> {
        async move {
            let completed = match value {
                Value::Null => Completed::value(Value::Null),
                Value::Array(items) if ty.is_list() => {
                    let items = items
                        .into_iter()
                        .enumerate()
                        .map(|(index, item)| async move {
                            let path = Path::index(path, index);
                            self.composite(ty.item_type(), item, fields, parent, &path)
                                .await
                        });
                    list(self.all(items, self.request.is_some()).await)
                }
                _ if ty.is_list() => Completed::failed(mismatch(path, "LIST")),
                value if value.is_object() => {
                    let name = ty.inner_named_type();
                    if let Some(object) = self.object_type(name, &value) {
                        let groups = self
                            .scope
                            .collect(object, fields.iter().map(|field| &field.selection_set));
                        self.object(object, Some(&value), &groups, Some(path)).await
                    } else {
                        let message = format!(
                            "Abstract type '{name}' must resolve to an Object type at runtime"
                        );
                        Completed::failed(at(path.segments(), message))
                    }
                }
                _ => Completed::failed(mismatch(path, "OBJECT")),
            };
            non_null(ty, completed, parent, path)
        }
        .boxed()
    }

    fn object_type(&self, declared: &'a str, value: &Value) -> Option<&'a str> {
        let Scope { schema, .. } = self.scope;
        if let ExtendedType::Object(object) = schema.types.get(declared)? {
            return Some(object.name.as_str());
        }
        let (name, _) = schema
            .types
            .get_key_value(value.get("__typename")?.as_str()?)?;
        schema.is_subtype(declared, name).then_some(name.as_str())
    }
}

pub(crate) fn unauthorized(type_name: &str, field: &str) -> ResolverError {
    ResolverError::new(
        "Unauthorized",
        format!("Not Authorized to access {field} on type {type_name}"),
    )
}

fn is_leaf(schema: &ApiSchema, ty: &Type) -> bool {
    schema
        .graphql
        .types
        .get(ty.inner_named_type())
        .is_none_or(ExtendedType::is_leaf)
}
