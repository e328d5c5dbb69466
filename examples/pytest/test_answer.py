import pytest


def test_the_answer_is_what_the_model_says(stack, token):
    stack.script(["Rivers ", "meander ", "slowly."])
    events = list(stack.ask(token, "Why do rivers meander?"))
    assert "".join(event["token"] for event in events) == "Rivers meander slowly."
    assert events[-1]["isComplete"] and events[-1]["status"] == "COMPLETED"


def test_a_model_without_access_fails_with_a_code(stack, token):
    fault = {"error": {"type": "AccessDeniedException"}}
    stack.faults({"service": "bedrock", "operation": "ConverseStream", "fault": fault})
    *_, last = stack.ask(token, "Why?")
    assert last["status"] == "FAILED"
    assert last["error"]["code"] == "MODEL_UNAVAILABLE"


def test_nobody_asks_without_signing_in(stack):
    with pytest.raises(RuntimeError, match="401"):
        list(stack.ask("not a token", "Why?"))
