//! `tokencast ask`: one prompt, its answer on stdout.

pub mod prompt;

use std::time::Duration;

use tokencast_client::{Client, Prompt};

use self::prompt::PromptError;
use crate::answer::{self, Listening, Session};
use crate::cli::{AskArgs, Channel};
use crate::exit::{Exit, complain, say};
use crate::signal::Signals;
use crate::stack::{RunningStack, StackError, StackOptions};
use crate::target::{Needs, Target, proxy};

/// The command reports a start that takes longer than this.
const PATIENCE: Duration = Duration::from_millis(300);

pub async fn run(args: AskArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&error);
            return Exit::Api;
        }
    };
    // Wrong options are reported before the command waits for stdin.
    let needs = Needs {
        api_for: args.resume.map(|_| "--resume"),
        conversations: false,
    };
    let target = match Target::new(&args.target, &needs, lookup) {
        Ok(target) => target,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let session = tokio::select! {
        session = session(&args) => session,
        exit = signals.next() => return exit,
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let listening = Listening {
        json: args.json,
        show_reasoning: args.show_reasoning,
        markdown: false,
        colors: has_colors(lookup),
        summary: true,
        in_chat: false,
        proxy: None,
    };
    match target {
        Target::Remote { client, socket, .. } => {
            let listening = Listening {
                proxy: socket.and_then(|url| proxy::in_the_way(&url, lookup)),
                ..listening
            };
            let ended = answer::run(&client, session, listening, &mut signals).await;
            ended.exit
        }
        Target::Local(options) => {
            // The future is boxed because it holds a whole stack.
            Box::pin(ask_local(
                *options,
                args.target.via,
                session,
                listening,
                &mut signals,
            ))
            .await
        }
    }
}

async fn ask_local(
    options: StackOptions,
    via: Channel,
    session: Session,
    listening: Listening,
    signals: &mut Signals,
) -> Exit {
    let stack = tokio::select! {
        stack = start(options) => stack,
        exit = signals.next() => return exit,
    };
    let stack = match stack {
        Ok(stack) => stack,
        Err(error) => {
            complain(&error);
            return Exit::Stack;
        }
    };
    let exit = match local_client(&stack, via) {
        // The functions start while the client signs in and subscribes.
        Ok(client) => {
            let answer = answer::run(&client, session, listening, signals);
            let (ended, ()) = futures_util::future::join(answer, stack.warm_for(via)).await;
            ended.exit
        }
        Err(error) => {
            complain(&error);
            Exit::Stack
        }
    };
    stack.shutdown().await;
    exit
}

/// Starts a stack, and says so if it takes a while.
///
/// # Errors
///
/// As [`RunningStack::start`].
pub async fn start(options: StackOptions) -> Result<RunningStack, StackError> {
    let mut start = std::pin::pin!(RunningStack::start(options));
    if let Ok(stack) = tokio::time::timeout(PATIENCE, &mut start).await {
        return stack;
    }
    say!("starting the local stack …");
    start.await
}

/// Whether a terminal gets colours: <https://no-color.org>.
pub fn has_colors(lookup: &impl Fn(&str) -> Option<String>) -> bool {
    lookup("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn local_client(stack: &RunningStack, via: Channel) -> Result<Client, tokencast_client::Error> {
    let user = &stack.info.user_pool.users[0];
    stack.client_via(via, user).build()
}

async fn session(args: &AskArgs) -> Result<Session, PromptError> {
    if let Some(session_id) = args.resume {
        return Ok(Session::Resume { session_id });
    }
    let text = prompt::read(args.prompt.as_deref()).await?;
    Ok(Session::New {
        session_id: args.session_id,
        prompt: Prompt {
            text,
            conversation_id: args.conversation,
            parent_id: args.parent,
            assistant: args.assistant.clone(),
        },
    })
}
