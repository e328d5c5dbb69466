//! The schema with AppSync's settings: who may access a field, which resolver it has, and which mutations a
//! subscription is for.

use std::collections::HashMap;

use apollo_compiler::ast::OperationType;
use apollo_compiler::collections::HashMap as ApolloMap;
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use super::access::{Access, strings};
use crate::config::AuthMode;
use crate::errors::ApiConfigError;
use crate::resolvers::Resolver;

/// AWS's directives and scalars, which every schema may use without declaring them.
const PRELUDE: &str = include_str!("prelude.graphql");

pub(crate) struct ApiSchema {
    pub(crate) graphql: Valid<Schema>,
    pub(crate) implementers: ApolloMap<Name, Implementers>,
    fields: HashMap<String, HashMap<String, FieldSettings>>,
}

/// AppSync's settings of one field.
pub(crate) struct FieldSettings {
    pub(crate) access: Access,
    pub(crate) resolver: Option<Resolver>,
    /// For a subscription: the mutations that it is for.
    pub(crate) mutations: Vec<String>,
    /// For a mutation: whether a subscription is for it.
    pub(crate) heard: bool,
}

impl ApiSchema {
    pub(crate) fn new(sdl: &str, default: AuthMode) -> Result<Self, ApiConfigError> {
        let invalid = |errors: &dyn std::fmt::Display| ApiConfigError::Schema(errors.to_string());
        let graphql = Schema::builder()
            .parse(PRELUDE, "appsync.graphql")
            .parse(sdl, "schema.graphql")
            .build()
            .and_then(Schema::validate)
            .map_err(|with_errors| invalid(&with_errors.errors))?;
        let mut schema = Self {
            implementers: graphql.implementers_map(),
            fields: settings(&graphql, default),
            graphql,
        };
        schema.link_subscriptions()?;
        Ok(schema)
    }

    pub(crate) fn root(&self, operation: OperationType) -> Option<&str> {
        self.graphql.root_operation(operation).map(Name::as_str)
    }

    pub(crate) fn field(&self, type_name: &str, field: &str) -> Option<&FieldSettings> {
        self.fields.get(type_name)?.get(field)
    }

    pub(crate) fn field_mut(&mut self, type_name: &str, field: &str) -> Option<&mut FieldSettings> {
        self.fields.get_mut(type_name)?.get_mut(field)
    }

    fn link_subscriptions(&mut self) -> Result<(), ApiConfigError> {
        let Some(subscription) = self.graphql.root_operation(OperationType::Subscription) else {
            return Ok(());
        };
        let Some(subscription) = self.graphql.get_object(subscription) else {
            return Ok(());
        };
        let mutation_type = self.root(OperationType::Mutation).map(str::to_owned);
        for (field, definition) in &subscription.fields {
            let mutations: Vec<_> = definition
                .directives
                .get_all("aws_subscribe")
                .flat_map(|directive| strings(directive, "mutations"))
                .collect();
            for mutation in &mutations {
                let heard = mutation_type
                    .as_deref()
                    .and_then(|name| self.graphql.type_field(name, mutation).ok());
                let Some(heard) = heard else {
                    let (field, mutation) = (field.to_string(), mutation.clone());
                    return Err(ApiConfigError::UnknownMutation { field, mutation });
                };
                if heard.ty.inner_named_type() != definition.ty.inner_named_type() {
                    let (field, mutation) = (field.to_string(), mutation.clone());
                    return Err(ApiConfigError::MutationType { field, mutation });
                }
                if let Some(settings) = mutation_type
                    .as_deref()
                    .and_then(|name| self.fields.get_mut(name)?.get_mut(mutation))
                {
                    settings.heard = true;
                }
            }
            if let Some(settings) = self
                .fields
                .get_mut(subscription.name.as_str())
                .and_then(|fields| fields.get_mut(field.as_str()))
            {
                settings.mutations = mutations;
            }
        }
        Ok(())
    }
}

fn settings(schema: &Schema, default: AuthMode) -> HashMap<String, HashMap<String, FieldSettings>> {
    let objects = schema
        .types
        .iter()
        .filter_map(|(name, definition)| match definition {
            ExtendedType::Object(object) => Some((name, &object.fields, &object.directives)),
            _ => None,
        });
    objects
        .map(|(name, fields, directives)| {
            let fields = fields.iter().map(|(field, definition)| {
                let settings = FieldSettings {
                    access: Access::new(
                        definition.directives.iter().map(AsRef::as_ref),
                        directives.iter().map(AsRef::as_ref),
                        default,
                    ),
                    resolver: None,
                    mutations: Vec::new(),
                    heard: false,
                };
                (field.to_string(), settings)
            });
            (name.to_string(), fields.collect())
        })
        .collect()
}
