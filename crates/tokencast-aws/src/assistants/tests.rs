//! Files that are good, and files with every error. `cdk/assistants.schema.json` is checked against the same ones.

use serde_json::json;
use tokencast_core::event::Usage;

use super::*;

const GOOD: &str = include_str!("../../../../tests/fixtures/assistants/good.json");
const BAD: &str = include_str!("../../../../tests/fixtures/assistants/bad.json");

fn cases(fixture: &str) -> Vec<Value> {
    let cases: Vec<Value> = serde_json::from_str(fixture).expect("the fixture");
    assert!(cases.len() > 2);
    cases
}

fn to_json(assistants: &Assistants, assistant: &Assistant) -> Value {
    // A million tokens of each kind.
    let usage = Usage {
        input_tokens: 1_000_000,
        output_tokens: 1_000_000,
        total_tokens: 2_000_000,
        cache_read_input_tokens: Some(1_000_000),
        cache_write_input_tokens: Some(1_000_000),
        ..Usage::default()
    };
    let cost = assistants.price(&assistant.name);
    let guardrail = assistant.guardrail.as_ref().map(|guardrail| {
        let mode = match guardrail.stream_processing {
            StreamProcessing::Sync => "sync",
            StreamProcessing::Async => "async",
        };
        json!({ "id": guardrail.id, "version": guardrail.version, "streamProcessing": mode })
    });
    json!({
        "name": assistant.name,
        "title": assistant.title,
        "description": assistant.description,
        "model": assistant.model_id,
        "systemPrompt": assistant.system_prompt,
        "maxTokens": assistant.max_tokens,
        "temperature": assistant.temperature,
        "budgetTokens": assistant.reasoning.map(|it| it.budget_tokens),
        "promptCaching": assistant.prompt_caching,
        "guardrail": guardrail,
        "clientSystemPrompt": assistant.client_system_prompt,
        "cost": cost.map(|price| price.cost(&usage)),
    })
}

#[test]
fn a_good_file_is_read() {
    for case in cases(GOOD) {
        let name = case["name"].as_str().expect("a name");
        let text = case["file"].to_string();
        let assistants = read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let all: Vec<_> = assistants
            .iter()
            .map(|it| to_json(&assistants, it))
            .collect();
        let default = &assistants.default_assistant().name;
        let read_back = json!({ "default": default, "assistants": all });
        assert_eq!(read_back, case["expected"], "{name}");
        assert_eq!(read(&format!("\u{feff}{text}")), Ok(assistants), "{name}");
    }
}

#[test]
fn every_error_of_a_bad_file_is_told_with_its_place() {
    for case in cases(BAD) {
        let name = case["name"].as_str().expect("a name");
        let Err(InvalidAssistants::Fields(errors)) = read(&case["file"].to_string()) else {
            panic!("{name}: expected errors of fields")
        };
        let mut errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        let expected = case["errors"].as_array().expect("errors");
        let mut expected: Vec<_> = expected.iter().filter_map(|it| it.as_str()).collect();
        // The order of a file's assistants is that of the JSON reader.
        errors.sort_unstable();
        expected.sort_unstable();
        assert_eq!(errors, expected, "{name}");
    }
}

#[test]
fn what_is_no_json_is_told_by_its_place_alone() {
    for (text, expected) in [
        ("", "the file is not JSON: line 1, column 0"),
        ("{\"a\": secret", "the file is not JSON: line 1, column 7"),
        ("{}\n}", "the file is not JSON: line 2, column 1"),
    ] {
        assert_eq!(read(text).expect_err("refused").to_string(), expected);
    }
    let missing = read_file(Path::new("/there/is/no/such/file.json")).expect_err("refused");
    let said = missing.to_string();
    assert!(said.starts_with("the file can't be read: "), "{said}");
}

#[test]
fn a_member_that_is_there_twice_is_refused_by_its_place() {
    let text = r#"{"version": 1, "default": "a", "assistants": {
        "a": {"model": "m", "maxTokens": 1, "maxTokens": 2}, "b": {"model": "m"}, "b": {"model": "n"}
    }}"#;
    let expected = "assistants.a.maxTokens: is there twice, expected once; \
                    assistants.b: is there twice, expected once";
    assert_eq!(read(text).expect_err("refused").to_string(), expected);
}

#[test]
fn a_file_has_a_bounded_number_of_assistants() {
    let file = |count: usize| {
        let all: serde_json::Map<_, _> = (0..count)
            .map(|at| (format!("a{at}"), json!({ "model": "m" })))
            .collect();
        json!({ "version": 1, "default": "a0", "assistants": all }).to_string()
    };
    assert_eq!(
        read(&file(MAX_ASSISTANTS)).expect("read").iter().len(),
        MAX_ASSISTANTS
    );
    let error = read(&file(MAX_ASSISTANTS + 1)).expect_err("refused");
    let expected = "assistants: has 101, expected 1 to 100 assistants by name";
    assert_eq!(error.to_string(), expected);
}
