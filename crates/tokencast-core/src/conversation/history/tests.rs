use uuid::Uuid;

use super::*;
use crate::event::Usage;
use crate::time::Timestamp;

/// A turn as a case has it.
#[derive(Clone, Copy)]
struct Case {
    parent: u128,
    status: Status,
    prompt_bytes: usize,
    answer_bytes: usize,
    is_blocked: bool,
    /// Input, which has all turns before, and output.
    usage: Option<(u32, u32)>,
}

fn id(number: u128) -> SessionId {
    Uuid::from_u128(number).into()
}

/// A turn with 30 bytes of prompt and 60 of answer: 30 tokens by their bytes.
fn turn(parent: u128, status: Status) -> Case {
    Case {
        parent,
        status,
        prompt_bytes: 30,
        answer_bytes: 60,
        is_blocked: false,
        usage: None,
    }
}

fn done(parent: u128) -> Case {
    turn(parent, Status::Completed)
}

fn counted(parent: u128, input: u32, output: u32) -> Case {
    Case {
        usage: Some((input, output)),
        ..done(parent)
    }
}

/// The ids of the turns 1, 2, 3 … that a model is told of.
fn check(name: &str, cases: &[Case], parent: u128, max_tokens: u32, expected: &[u128]) {
    let turns: Vec<_> = cases
        .iter()
        .zip(1..)
        .map(|(case, number)| TurnHead {
            session_id: id(number),
            parent: (case.parent > 0).then(|| id(case.parent)),
            created_at: Timestamp::from_millis(i64::try_from(number).expect("few")),
            prompt_bytes: case.prompt_bytes,
            short_prompt: None,
            status: case.status,
            usage: case.usage.map(|(input, output)| Usage {
                input_tokens: input,
                output_tokens: output,
                total_tokens: input + output,
                ..Usage::default()
            }),
            answer_bytes: case.answer_bytes,
            is_blocked: case.is_blocked,
            expires_at: Timestamp::MAX,
        })
        .collect();
    let told = select(&turns, id(parent), max_tokens);
    let told: Vec<_> = told.turns.iter().map(|turn| turn.session_id).collect();
    let expected: Vec<_> = expected.iter().map(|number| id(*number)).collect();
    assert_eq!(told, expected, "{name}");
}

#[test]
fn a_model_is_told_of_the_turns_that_lead_to_its_prompt() {
    let silent = Case {
        answer_bytes: 0,
        ..done(1)
    };
    let cut = turn(1, Status::Cancelled);
    let cut_at_once = Case {
        answer_bytes: 0,
        ..cut
    };
    let failed = turn(1, Status::Failed);
    let queued = turn(1, Status::Queued);
    check("a chain", &[done(0), done(1), done(2)], 3, 1000, &[1, 2, 3]);
    check("a branch", &[done(0), done(1), done(1)], 3, 1000, &[1, 3]);
    check("the first", &[done(0), done(1)], 1, 1000, &[1]);
    check("an unknown turn", &[done(0)], 7, 1000, &[]);
    check(
        "cancelled with text",
        &[done(0), cut, done(2)],
        3,
        1000,
        &[1, 2, 3],
    );
    check(
        "cancelled without",
        &[done(0), cut_at_once, done(2)],
        3,
        1000,
        &[1, 3],
    );
    check(
        "failed, though with text",
        &[done(0), failed, done(2)],
        3,
        1000,
        &[1, 3],
    );
    let blocked = Case {
        is_blocked: true,
        ..done(1)
    };
    check(
        "blocked by a guardrail",
        &[done(0), blocked, done(2)],
        3,
        1000,
        &[1, 3],
    );
    check(
        "without text",
        &[done(0), silent, done(2)],
        3,
        1000,
        &[1, 3],
    );
    check("never over", &[done(0), queued, done(2)], 3, 1000, &[1, 3]);
}

#[test]
fn the_oldest_turns_go_first_beyond_the_budget() {
    let three = [done(0), done(1), done(2)];
    check("all fit", &three, 3, 90, &[1, 2, 3]);
    check("two fit", &three, 3, 89, &[2, 3]);
    check("one fits", &three, 3, 59, &[3]);
    check("none fits", &three, 3, 29, &[]);
    check("no history", &three, 3, 0, &[]);
    let long = Case {
        answer_bytes: 3000,
        ..done(1)
    };
    let around = [done(0), long, done(2)];
    check(
        "what is older than what goes goes, too",
        &around,
        3,
        100,
        &[3],
    );
}

#[test]
fn what_a_model_counted_decides() {
    // A system prompt of 500 tokens, then turns of 10 + 20, 12 + 20 and 14 + 20 tokens.
    let three = [
        counted(0, 510, 20),
        counted(1, 542, 20),
        counted(2, 576, 20),
    ];
    check("all fit", &three, 3, 20 + 10 + 32 + 34, &[1, 2, 3]);
    check("two fit", &three, 3, 20 + 10 + 32 + 34 - 1, &[2, 3]);
    check("two fit exactly", &three, 3, 32 + 34, &[2, 3]);
    check("one fits", &three, 3, 32 + 34 - 1, &[3]);
    // The second was told less than the first had, for it was cut: its bytes count.
    let cut = [counted(0, 9000, 20), counted(1, 300, 20)];
    check("less than before", &cut, 2, 30 + 30, &[1, 2]);
    check("less than before, and too much", &cut, 2, 30 + 30 - 1, &[2]);
    // More tokens than bytes can't be the prompt's own.
    let other = [counted(0, 10, 20), counted(1, 5000, 20)];
    check("more than it has", &other, 2, 30 + 30, &[1, 2]);
    // Of 900 tokens, at most 6 can be those of the answer's text.
    let reasoned = Case {
        answer_bytes: 6,
        ..counted(0, 510, 900)
    };
    check("mostly reasoning", &[reasoned], 1, 10 + 6, &[1]);
    check("mostly reasoning, and too much", &[reasoned], 1, 15, &[]);
    let mixed = [done(0), counted(1, 5000, 20), done(2)];
    check("only some are counted", &mixed, 3, 90, &[1, 2, 3]);
    check("only some fit", &mixed, 3, 89, &[2, 3]);
}

#[test]
fn roles_alternate_and_nothing_is_blank() {
    let text = |prompt: &str, answer: &str| TurnText {
        prompt: prompt.to_owned(),
        answer: answer.to_owned(),
    };
    let turns = [
        text("a", "b"),
        text("c", " \n"),
        text("\t", "d"),
        text("e", "f"),
    ];
    let request = request(&Brought::default(), 0, turns, "g");
    let told: Vec<_> = request
        .turns
        .iter()
        .map(|turn| (turn.role, turn.text.as_str()))
        .collect();
    let expected = [
        (Role::User, "a"),
        (Role::Assistant, "b"),
        (Role::User, "e"),
        (Role::Assistant, "f"),
        (Role::User, "g"),
    ];
    assert_eq!(told, expected);
    assert_eq!(request.history_len(), 4);
}

/// The turns of a request as `uPROMPT`, `aANSWER`.
fn told(request: &ModelRequest) -> String {
    let turns = request.turns.iter().map(|turn| {
        let role = match turn.role {
            Role::User => 'u',
            Role::Assistant => 'a',
        };
        format!("{role}{}", turn.text)
    });
    turns.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_a_client_brought_comes_before_the_conversation_as_far_as_it_fits() {
    let of = |role, text: &str| ModelTurn {
        role,
        text: text.to_owned(),
    };
    let brought = Brought {
        turns: vec![
            of(Role::User, "one"),
            of(Role::Assistant, "two"),
            of(Role::User, "six"),
            of(Role::Assistant, "ten"),
        ],
        system: Some("Be brief.".to_owned()),
        max_tokens: Some(7),
        temperature: Some(0.5),
        stop_sequences: vec!["END".to_owned()],
    };
    let known = || {
        [TurnText {
            prompt: "k".to_owned(),
            answer: "l".to_owned(),
        }]
    };
    for (left, expected) in [
        (4, "uone atwo usix aten uk al up"),
        // The oldest question doesn't fit, so its answer would be the first turn.
        (3, "usix aten uk al up"),
        (2, "usix aten uk al up"),
        (1, "uk al up"),
        (0, "uk al up"),
    ] {
        let request = request(&brought, left, known(), "p");
        assert_eq!(told(&request), expected, "{left}");
        assert_eq!(request.system.as_deref(), Some("Be brief."));
        assert_eq!(
            (request.max_tokens, request.temperature),
            (Some(7), Some(0.5))
        );
        assert_eq!(request.stop_sequences, ["END"]);
    }
    assert_eq!((brought_cost(&brought), system_cost(&brought)), (7, 3));
}
