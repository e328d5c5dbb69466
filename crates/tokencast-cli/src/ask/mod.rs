//! `tokencast ask`: one prompt, its answer on stdout.

mod prompt;

use std::time::Duration;

use tokencast_client::Client;

use self::prompt::PromptError;
use crate::answer::{self, Listening, Session};
use crate::cli::{AskArgs, Channel};
use crate::exit::{Exit, complain, say};
use crate::signal::Signals;
use crate::stack::{RunningStack, StackError, StackOptions};
use crate::target::{Target, proxy};

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
    let target = match Target::new(&args, lookup) {
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
    match target {
        Target::Remote { client, socket } => {
            let listening = Listening {
                json: args.json,
                proxy: socket.and_then(|url| proxy::in_the_way(&url, lookup)),
            };
            answer::run(&client, session, listening, &mut signals).await
        }
        Target::Local(options) => {
            // The future is boxed because it holds a whole stack.
            Box::pin(ask_local(
                *options,
                args.via,
                session,
                args.json,
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
    json: bool,
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
            let listening = Listening { json, proxy: None };
            let converse = answer::run(&client, session, listening, signals);
            futures_util::future::join(converse, stack.warm_for(via))
                .await
                .0
        }
        Err(error) => {
            complain(&error);
            Exit::Stack
        }
    };
    stack.shutdown().await;
    exit
}

async fn start(options: StackOptions) -> Result<RunningStack, StackError> {
    let mut start = std::pin::pin!(RunningStack::start(options));
    if let Ok(stack) = tokio::time::timeout(PATIENCE, &mut start).await {
        return stack;
    }
    say!("starting the local stack …");
    start.await
}

fn local_client(stack: &RunningStack, via: Channel) -> Result<Client, tokencast_client::Error> {
    let user = &stack.info.user_pool.users[0];
    stack.client_via(via, user).build()
}

async fn session(args: &AskArgs) -> Result<Session, PromptError> {
    if let Some(session_id) = args.resume {
        return Ok(Session::Resume { session_id });
    }
    Ok(Session::New {
        session_id: args.session_id,
        prompt: prompt::read(args.prompt.as_deref()).await?,
    })
}
