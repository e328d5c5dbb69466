use super::*;

fn id(number: u8) -> SessionId {
    let id = format!("00000000-0000-4000-8000-0000000000{number:02}");
    id.parse().expect("an id")
}

/// A history out of words: `uTEXT` is the user's, `NUMBER:TEXT` the answer of a session, `aTEXT` another's.
fn history(words: &str) -> Vec<Said> {
    let said = words.split_whitespace().map(|word| {
        let (by, text) = match (word.strip_prefix('u'), word.split_once(':')) {
            (Some(text), _) => (SaidBy::User, text),
            (None, Some((number, text))) => {
                let number = number.parse().expect("a number");
                (SaidBy::Assistant(Some(id(number))), text)
            }
            (None, None) => (SaidBy::Assistant(None), &word[1..]),
        };
        let text = text.to_owned();
        Said { by, text }
    });
    said.collect()
}

/// A chain out of words: `NUMBER:PROMPT:ANSWER`.
fn chain(words: &str) -> Vec<Known> {
    let turns = words.split_whitespace().map(|word| {
        let fields: Vec<_> = word.split(':').collect();
        let [number, prompt, answer] = fields[..] else {
            panic!("{word}")
        };
        Known {
            session_id: id(number.parse().expect("a number")),
            prompt: prompt.to_owned(),
            answers: vec![answer.to_owned()],
        }
    });
    turns.collect()
}

fn check(said: &str, known: &str, parent: Option<u8>, brought: &str) {
    let placed = place(&history(said), &chain(known));
    assert_eq!(placed.parent, parent.map(id), "{said} | {known}");
    let turns = placed.brought.iter().map(|turn| match turn.role {
        Role::User => format!("u{}", turn.text),
        Role::Assistant => format!("a{}", turn.text),
    });
    let turns = turns.collect::<Vec<_>>().join(" ");
    assert_eq!(turns, brought, "{said} | {known}");
}

#[test]
fn what_matches_is_a_follow_up_and_what_differs_a_branch() {
    check("", "", None, "");
    check("uQ1 1:A1", "1:Q1:A1", Some(1), "");
    check("uQ1 1:A1 uQ2 2:A2", "1:Q1:A1 2:Q2:A2", Some(2), "");
    // The beginning of an answer, as of one that was stopped; or nothing of it.
    check("uQ1 1:A", "1:Q1:A1", Some(1), "");
    check("uQ1 1:", "1:Q1:A1", Some(1), "");
    // Only the newest messages.
    check("1:A1", "1:Q1:A1", Some(1), "");
    check("2:A2", "1:Q1:A1 2:Q2:A2", Some(2), "");
    check("uQ2 2:A2", "1:Q1:A1 2:Q2:A2", Some(2), "");
    // A page has changed a text.
    check("uQ1 1:B1", "1:Q1:A1", None, "uQ1 aB1");
    check("uX1 1:A1", "1:Q1:A1", None, "uX1 aA1");
    check(
        "uX1 1:A1 uQ2 2:A2",
        "1:Q1:A1 2:Q2:A2",
        None,
        "uX1 aA1 uQ2 aA2",
    );
    // The chain is another than the page shows.
    check(
        "uQ3 3:A3 uQ2 2:A2",
        "1:Q1:A1 2:Q2:A2",
        None,
        "uQ3 aA3 uQ2 aA2",
    );
    // No such turn is known.
    check("uQ1 9:A1", "", None, "uQ1 aA1");
    // Another assistant's words come first.
    check("aHello uQ1 1:A1", "1:Q1:A1", Some(1), "aHello");
    check("uQ0 a0 uQ1 1:A1", "1:Q1:A1", Some(1), "uQ0 a0");
    // They came last.
    check("uQ1 1:A1 uQ2 aA2", "", None, "uQ1 aA1 uQ2 aA2");
}

#[test]
fn a_question_without_an_answer_is_left_out() {
    check("uQ1", "", None, "");
    check("uQ1 1:A1 uQ2", "1:Q1:A1", Some(1), "");
    check("uQ1 1:A1 uX uQ2 2:A2", "1:Q1:A1 2:Q2:A2", Some(2), "");
    check("uX uQ1 1:A1", "1:Q1:A1", Some(1), "");
    check("uQ0 aA0 uX uQ1 1:A1", "1:Q1:A1", Some(1), "uQ0 aA0");
    check("uX aA0 uY", "", None, "uX aA0");
    check("uX uQ0 aA0 uY", "", None, "uQ0 aA0");
}

#[test]
fn an_answer_without_text_is_none() {
    check("uX a", "", None, "");
    check("uX 9:", "", None, "");
    check("uX a uQ0 aA0", "", None, "uQ0 aA0");
    check("uQ0 aA0 uX a", "", None, "uQ0 aA0");
    // It went on, as behind a tool.
    check("uQ0 a aA0 uX a", "", None, "uQ0 aA0");
}

#[test]
fn the_chain_ends_with_the_last_answer() {
    assert_eq!(last_answer(&history("uQ1 1:A1 uQ2 2:A2 uQ3")), Some(id(2)));
    assert_eq!(last_answer(&history("uQ1 1:A1 uQ2 aA2")), None);
    assert_eq!(last_answer(&history("uQ1")), None);
    assert_eq!(turns_in(&history("uQ1 1:A1 uQ2 aA2 uQ3")), 2);
}
