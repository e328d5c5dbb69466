//! `tokencast forget`: deletes what a user has said and was answered.

use std::io::Write;

use serde_json::json;
use tokencast_aws::forget::{ForgetError, ForgetSettings, Forgotten, forget};

use crate::cli::ForgetArgs;
use crate::exit::{Exit, complain, say};
use crate::operator::{UNKNOWN_USER, local_queue, quotas_table, reach, sdk_for};
use crate::stack::{CONVERSATIONS_TABLE, QUEUE, TABLE};

pub async fn run(args: ForgetArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    if let Err(error) = reach(args.local).await {
        complain(&error);
        return Exit::Api;
    }
    match forget_user(&args, lookup).await {
        Ok(forgotten) => {
            if forgotten == Forgotten::default() {
                // Or all was forgotten before.
                say!("{UNKNOWN_USER}");
            }
            print(forgotten, args.json);
            Exit::Success
        }
        Err(error) => {
            complain(&error);
            match error {
                ForgetError::NoOwner => Exit::Usage,
                ForgetError::Conversation(_) | ForgetError::Session(_) => Exit::Api,
            }
        }
    }
}

async fn forget_user(
    args: &ForgetArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<Forgotten, ForgetError> {
    let sdk = sdk_for(args.local, lookup).await;
    let or_local =
        |name: &Option<String>, local: &str| name.clone().unwrap_or_else(|| local.to_owned());
    let queue_url = args.queue_url.clone();
    let settings = ForgetSettings {
        queue_url: queue_url.unwrap_or_else(|| local_queue(args.local, QUEUE)),
        sessions_table: or_local(&args.table, TABLE),
        conversations_table: or_local(&args.conversations_table, CONVERSATIONS_TABLE),
        quotas_table: quotas_table(args.quotas_table.as_deref(), args.local),
    };
    forget(&sdk, &settings, args.owner.trim()).await
}

fn print(forgotten: Forgotten, as_json: bool) {
    let Forgotten {
        conversations,
        sessions,
    } = forgotten;
    let line = if as_json {
        json!({ "conversations": conversations, "sessions": sessions }).to_string()
    } else {
        format!("{conversations} conversations and {sessions} other sessions deleted")
    };
    // A closed stdout changes nothing of what was done.
    let _ = writeln!(crate::stdio::Stdout, "{line}");
}
