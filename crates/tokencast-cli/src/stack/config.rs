//! A stack's config: the template's resources, changed by the stack's options.

use std::collections::BTreeMap;
use std::path::PathBuf;

use local_stack::StackConfig;
use local_stack::config::{DataSource, GuardrailConfig, ModelConfig, UserPoolConfig};
use local_stack::endpoints::Endpoints;

use super::{StackError, StackOptions, local};
use local_cloudformation::{Inputs, Program};
use tokencast_aws::assistants::{self, InvalidAssistants};
use tokencast_aws::settings;
use tokencast_core::assistant::GuardrailSettings;

/// The names of the project's resources on a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub queue: String,
    pub dead_letter_queue: String,
    pub table: String,
    pub conversations_table: String,
    /// `None` if the template has no quotas.
    pub quotas_table: Option<String>,
    pub request_function: String,
    pub worker_function: String,
}

impl Names {
    /// Finds the resources by their connections.
    ///
    /// # Errors
    ///
    /// If a resource isn't there, because the template leaves it to another stack.
    pub fn of(config: &StackConfig) -> Result<Self, StackError> {
        let source = config.event_sources.first();
        let source = source.ok_or(StackError::Missing("event source in the template"))?;
        let mut queues = config.queues.iter();
        let redrive = queues
            .find(|queue| queue.name == source.queue)
            .and_then(|queue| queue.redrive.as_ref())
            .ok_or(StackError::Missing(
                "dead-letter queue in the template for the queue that the event source reads",
            ))?;
        let named = |partition_key: &str| {
            let mut tables = config.tables.iter();
            let found = tables.find(|table| table.partition_key == partition_key);
            found.map(|table| table.name.clone())
        };
        let table =
            |partition_key: &str, missing| named(partition_key).ok_or(StackError::Missing(missing));
        let sessions_table = table(
            local::SESSIONS_KEY,
            "table in the template with the partition key `sessionId`",
        )?;
        let conversations_table = table(
            local::CONVERSATIONS_KEY,
            "table in the template with the partition key `conversationId`",
        )?;
        let request = config
            .api
            .resolvers
            .iter()
            .find_map(|resolver| match &resolver.data_source {
                DataSource::Lambda { function } | DataSource::LambdaWithCode { function, .. } => {
                    Some(function)
                }
                DataSource::None { .. } => None,
            })
            .ok_or(StackError::Missing(
                "function in the template that is the API's data source",
            ))?;
        Ok(Self {
            queue: source.queue.clone(),
            dead_letter_queue: redrive.dead_letter_queue.clone(),
            table: sessions_table,
            conversations_table,
            quotas_table: named(local::QUOTAS_KEY),
            request_function: request.clone(),
            worker_function: source.function.clone(),
        })
    }
}

impl StackOptions {
    /// Returns the config of a stack with these options at `endpoints`, and the names of its resources.
    ///
    /// # Errors
    ///
    /// If the local stack can't be what the template describes, a function's program isn't there, or a resource is
    /// missing that the project needs.
    pub fn config(&self, endpoints: &Endpoints) -> Result<(StackConfig, Names), StackError> {
        let inputs = Inputs {
            endpoints,
            name: &local::name,
            program: &|trigger| {
                let command = self.functions.command(local::program(trigger));
                let (program, args) = command.map_err(|error| error.to_string())?;
                Ok(Program { program, args })
            },
            user_pool: UserPoolConfig {
                shares_key: self.shares_signing_key,
                ..local::user_pool(&self.groups)
            },
            model: self.model.clone(),
        };
        let mut config = match &self.template {
            Some(template) => template.stack_config(&inputs)?,
            None => local::template()?.stack_config(&inputs)?,
        };
        local::lead_here(&mut config, endpoints);
        let names = Names::of(&config)?;
        self.override_template(&mut config, &names);
        self.add_assistants(&mut config, &names)?;
        Ok((config, names))
    }

    /// Gives the functions the assistants' file, and the model the guardrails that it names.
    fn add_assistants(&self, config: &mut StackConfig, names: &Names) -> Result<(), StackError> {
        if let Some(path) = &self.assistants {
            let wrong = |error: std::io::Error| StackError::Assistants {
                path: path.clone(),
                source: InvalidAssistants::Unreadable(error.to_string()),
            };
            // The functions run in another directory.
            let path = path.canonicalize().map_err(wrong)?.display().to_string();
            for function in &mut config.functions {
                let environment = &mut function.environment;
                environment.insert(settings::ASSISTANTS_FILE.to_owned(), path.clone());
            }
        }
        let mut functions = config.functions.iter();
        let worker = functions.find(|it| it.name == names.worker_function);
        let path = worker.and_then(|it| it.environment.get(settings::ASSISTANTS_FILE));
        let path = path.filter(|path| !path.is_empty()).map(PathBuf::from);
        let assistants = match path {
            Some(path) => {
                let read = assistants::read_file(&path);
                Some(read.map_err(|source| StackError::Assistants { path, source })?)
            }
            None => None,
        };
        let no_model = match &config.model {
            ModelConfig::OpenAi { model: None, .. } => Some("openai:URL"),
            ModelConfig::Bedrock { model_id: None } => Some("bedrock"),
            _ => None,
        };
        if let (Some(model), None) = (no_model, &assistants) {
            return Err(StackError::NoModel(model));
        }
        config.guardrails.clone_from(&self.guardrails);
        let guardrails = assistants.iter().flat_map(|assistants| {
            let assistants = assistants.iter();
            assistants.filter_map(|assistant| assistant.guardrail.as_ref())
        });
        for GuardrailSettings { id, version, .. } in guardrails {
            let is_there = |it: &GuardrailConfig| it.id == *id && it.version == *version;
            if !config.guardrails.iter().any(is_there) {
                config.guardrails.push(GuardrailConfig::to_try(id, version));
            }
        }
        Ok(())
    }

    fn override_template(&self, config: &mut StackConfig, names: &Names) {
        for function in &mut config.functions {
            // The template's own quotas are a deployment's. An empty variable counts as missing.
            if let Some(declared) = function.environment.get_mut("QUOTAS") {
                *declared = self.quotas.clone().unwrap_or_default();
            }
        }
        let function_url = config.function_urls.first().map(|url| url.function.clone());
        let routes = config
            .websocket_apis
            .first()
            .and_then(|api| api.routes.values().next())
            .map(|route| route.function.clone());
        let environments: [(Option<&str>, &BTreeMap<String, String>); 4] = [
            (
                Some(names.request_function.as_str()),
                &self.request_environment,
            ),
            (
                Some(names.worker_function.as_str()),
                &self.worker_environment,
            ),
            (function_url.as_deref(), &self.function_url_environment),
            (routes.as_deref(), &self.websocket_environment),
        ];
        for function in &mut config.functions {
            for (of, environment) in environments {
                if of == Some(function.name.as_str()) {
                    function.environment.extend(environment.clone());
                }
            }
        }
        if let Some(timeout) = self.worker_timeout {
            let pipelines = [
                Some(names.worker_function.as_str()),
                function_url.as_deref(),
            ];
            for function in &mut config.functions {
                if pipelines.contains(&Some(function.name.as_str())) {
                    function.timeout = timeout;
                }
            }
            for queue in &mut config.queues {
                if queue.name == names.queue {
                    queue.visibility_timeout = timeout;
                }
            }
        }
        for source in &mut config.event_sources {
            source.batch_size = self.batch_size.unwrap_or(source.batch_size);
            source.maximum_concurrency = self.max_concurrency.unwrap_or(source.maximum_concurrency);
        }
        for api in &mut config.websocket_apis {
            api.limits = self.websocket;
        }
        config.realtime = self.realtime;
        config.faults = self.faults.clone();
        config.control = self.control;
        config.access = self.access.clone();
    }
}
