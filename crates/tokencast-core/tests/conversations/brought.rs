//! What a client brings with its prompt: it goes to the model, and is part of what a session was started with.

use std::collections::BTreeMap;
use std::time::Duration;

use tokencast_core::assistant::{Assistant, AssistantName, Assistants};
use tokencast_core::brought::Brought;
use tokencast_core::deliver::Disposition;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::SessionId;
use tokencast_core::job::{Channel, MAX_JOB_BYTES};
use tokencast_core::ports::{ModelTurn, Role};
use tokencast_core::requests::{RequestError, Start, Started, Within};

use crate::scene::{Scene, me};

fn turns(texts: &[&str]) -> Vec<ModelTurn> {
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    let turns = texts.iter().zip(roles);
    let turns = turns.map(|(text, role)| ModelTurn {
        role,
        text: (*text).to_owned(),
    });
    turns.collect()
}

fn hello() -> Brought {
    Brought {
        turns: turns(&["Hello", "Hi"]),
        max_tokens: Some(100),
        temperature: Some(0.25),
        stop_sequences: vec!["END".to_owned()],
        ..Brought::default()
    }
}

async fn start(
    scene: &Scene,
    id: SessionId,
    within: Option<Within>,
    brought: Brought,
) -> Result<Started, RequestError> {
    let start = Start {
        prompt: "Why?".into(),
        brought,
        session_id: Some(id),
        within,
        channel: Channel::Subscription,
        delay: Duration::ZERO,
        follower: None,
        assistant: None,
    };
    scene.requests.start(&me().clone().into(), start).await
}

#[tokio::test(start_paused = true)]
async fn the_model_gets_it_before_the_prompt() {
    let mut scene = Scene::new();
    let assistant = Assistant {
        client_system_prompt: true,
        ..Assistant::only("model".to_owned(), 100)
    };
    scene.requests.assistants = assistant.into();
    let brought = Brought {
        system: Some("Be brief.".to_owned()),
        ..hello()
    };
    let started = start(&scene, SessionId::random(), None, brought);
    started.await.expect("started");
    assert_eq!(scene.work().await, [Disposition::Done]);
    assert_eq!(scene.told(), ["Hello", "Hi", "Why?"]);
    let told = scene.model.told.lock().expect("held by nobody");
    let asked = told.last().expect("asked");
    assert_eq!(
        (asked.system.as_deref(), asked.max_tokens, asked.temperature),
        (Some("Be brief."), Some(100), Some(0.25))
    );
    assert_eq!(asked.stop_sequences, ["END"]);
}

#[tokio::test(start_paused = true)]
async fn in_a_conversation_it_comes_before_the_first_turn() {
    let mut scene = Scene::new();
    scene.ask("One", None).await;
    let started = start(&scene, SessionId::random(), scene.within(None), hello());
    started.await.expect("started");
    scene.work().await;
    let all = ["Hello", "Hi", "One", "You said: One", "Why?"];
    assert_eq!(scene.told(), all);
    // The model counts 5 tokens of the answer, and the prompt's bytes make one. The oldest go first.
    scene.max_history_tokens = 7;
    let first = scene.session(scene.ask("Two", None).await).parent_id;
    let first = scene.session(first.expect("a turn before")).parent_id;
    let started = start(&scene, SessionId::random(), scene.within(first), hello());
    started.await.expect("started");
    scene.work().await;
    assert_eq!(scene.told(), ["One", "You said: One", "Why?"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_started_with_one_input() {
    let scene = Scene::new();
    let id = SessionId::random();
    let started = start(&scene, id, None, hello()).await.expect("started");
    assert!(started.job.is_some());
    let again = start(&scene, id, None, hello()).await.expect("the same");
    assert!(again.job.is_none());
    for other in [
        Brought::default(),
        Brought {
            turns: turns(&["Hello", "Ho"]),
            ..hello()
        },
        Brought {
            max_tokens: None,
            ..hello()
        },
    ] {
        let refused = start(&scene, id, None, other).await.err();
        assert!(matches!(refused, Some(RequestError::OtherInput)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_prompt_is_refused_where_clients_may_bring_none() {
    let scene = Scene::new();
    let brought = Brought {
        system: Some("Be brief.".to_owned()),
        ..Brought::default()
    };
    let refused = start(&scene, SessionId::random(), None, brought).await;
    let refused = refused.err().expect("refused");
    assert_eq!(refused.code(), FailureCode::InvalidArgument);
    assert!(scene.tables.state().jobs.is_empty());
}

/// A scene whose default assistant takes no client's system prompt, and `open` does.
fn two_assistants() -> Scene {
    let mut scene = Scene::new();
    let assistant = |name: AssistantName, takes_one| Assistant {
        name,
        client_system_prompt: takes_one,
        ..Assistant::only("model".to_owned(), 100)
    };
    let closed = assistant(AssistantName::only(), false);
    let open = assistant("open".parse().expect("a name"), true);
    let assistants = Assistants::new(&AssistantName::only(), [closed, open], BTreeMap::new());
    scene.requests.assistants = assistants.expect("a default");
    scene
}

fn instructed(system: &str) -> Brought {
    Brought {
        system: Some(system.to_owned()),
        ..Brought::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_conversations_assistant_decides_whether_it_takes_a_system_prompt() {
    let scene = two_assistants();
    let ask = async |named: Option<&str>| {
        let start = Start {
            prompt: "Why?".into(),
            brought: instructed("Be brief."),
            session_id: None,
            within: scene.within(None),
            channel: Channel::Subscription,
            delay: Duration::ZERO,
            follower: None,
            assistant: named.map(str::to_owned),
        };
        let started = scene.requests.start(&me().clone().into(), start).await;
        started.map(drop).map_err(|refused| refused.code())
    };
    assert_eq!(ask(None).await, Err(FailureCode::InvalidArgument));
    assert_eq!(ask(Some("open")).await, Ok(()));
    scene.work().await;
    assert_eq!(ask(None).await, Ok(()));
    scene.work().await;
    let closed = ask(Some("default")).await;
    assert_eq!(closed, Err(FailureCode::InvalidArgument));
}

#[tokio::test(start_paused = true)]
async fn a_system_prompt_has_a_part_of_the_historys_bound() {
    let mut scene = two_assistants();
    let start = async |scene: &Scene, brought: Brought| {
        let start = Start {
            prompt: "Why?".into(),
            brought,
            session_id: None,
            within: None,
            channel: Channel::Subscription,
            delay: Duration::ZERO,
            follower: None,
            assistant: Some("open".to_owned()),
        };
        scene.requests.start(&me().clone().into(), start).await
    };
    scene.requests.rules.max_history_tokens = 3;
    let refused = start(&scene, instructed("Be briefer")).await;
    let refused = refused.err().expect("refused");
    assert_eq!(refused.code(), FailureCode::InvalidPrompt);
    let RequestError::LongSystemPrompt { tokens: 4, max: 3 } = refused else {
        panic!("{refused}");
    };
    // What it leaves of the bound is for the turns: the oldest go first.
    for (max, expected) in [(3, "Why?"), (4, "Why?"), (5, "Hey Hi Why?")] {
        scene.requests.rules.max_history_tokens = max;
        scene.max_history_tokens = max;
        let brought = Brought {
            turns: turns(&["Hey", "Hi"]),
            ..instructed("Be brief.")
        };
        start(&scene, brought).await.expect("started");
        scene.work().await;
        assert_eq!(scene.told().join(" "), expected, "{max}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_a_queue_takes_is_refused_by_its_size() {
    let scene = Scene::new();
    // Control characters are escaped, to six times their bytes. Many short turns have much around their texts.
    let long = "\u{1}".repeat(MAX_JOB_BYTES / 6);
    let many = vec!["a"; MAX_JOB_BYTES / 29];
    for (name, turns) in [("long", turns(&[&long])), ("many", turns(&many))] {
        let brought = Brought {
            turns,
            ..Brought::default()
        };
        let refused = start(&scene, SessionId::random(), None, brought).await;
        let refused = refused.err().expect(name);
        assert_eq!(refused.code(), FailureCode::InvalidPrompt, "{name}");
        let RequestError::LongHistory { bytes, max } = refused else {
            panic!("{name}: {refused}");
        };
        assert!(bytes > max && max < MAX_JOB_BYTES, "{name}: {bytes}, {max}");
        assert!(refused.to_string().contains(&bytes.to_string()), "{name}");
    }
    assert!(scene.tables.state().jobs.is_empty());
    let fits = Brought {
        turns: turns(&[&long[..long.len() - 1000]]),
        ..Brought::default()
    };
    let started = start(&scene, SessionId::random(), scene.within(None), fits).await;
    let job = started.expect("started").job.expect("new");
    assert!(job.to_json().len() <= MAX_JOB_BYTES);
}
