//! `tokencast export`: a conversation as one document.

use std::io::Write as _;

use tokencast_client::Client;
use tokencast_client::conversations::ExportFormat;

use crate::answer::unwritten_exit;
use crate::cli::{ExportArgs, Format, TargetArgs};
use crate::exit::{Exit, complain, say};
use crate::signal::Signals;
use crate::stdio::Stdout;
use crate::target::{Needs, Target};

pub async fn run(args: ExportArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&error);
            return Exit::Api;
        }
    };
    let needs = Needs {
        api_for: Some("an export"),
        conversations: true,
    };
    let target = TargetArgs {
        api: args.api.clone(),
        ..TargetArgs::default()
    };
    let client = match Target::new(&target, &needs, lookup) {
        Ok(Target::Remote { graphql, .. }) => graphql,
        Ok(Target::Local(_)) => unreachable!("an export needs an API"),
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    tokio::select! {
        exit = export(&client, &args) => exit,
        exit = signals.next() => exit,
    }
}

async fn export(client: &Client, args: &ExportArgs) -> Exit {
    let id = args.conversation;
    let document = match client.conversations().export(id, args.format.into()).await {
        Ok(Some(document)) => document,
        Ok(None) => {
            say!("error: there is no conversation {id}");
            say!("conversations are kept for a limited time, and only their owner sees them");
            return Exit::Api;
        }
        Err(error) => {
            complain(&error);
            return Exit::Api;
        }
    };
    match &args.output {
        Some(file) => {
            if let Err(error) = std::fs::write(file, document) {
                say!("error: cannot write {}: {error}", file.display());
                return Exit::Unwritable;
            }
        }
        None => {
            if let Err(error) = Stdout.write_all(document.as_bytes()) {
                return unwritten_exit(&error);
            }
        }
    }
    Exit::Success
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Markdown => Self::Markdown,
            Format::Json => Self::Json,
        }
    }
}
