"""OpenAI's package for Python against a function URL. The first argument is what to check; the stack is in the environment."""

import os
import ssl
import sys
import uuid

import openai

MESSAGES = [{"role": "user", "content": "Why do rivers meander?"}]
SAID = os.environ["SAID"]
KEY = {"Idempotency-Key": str(uuid.uuid4())}


def client(api_key: str, **options) -> openai.OpenAI:
    trusted = ssl.create_default_context(cafile=os.environ["CA_FILE"])
    http_client = openai.DefaultHttpxClient(verify=trusted)
    return openai.OpenAI(api_key=api_key, base_url=os.environ["BASE_URL"], http_client=http_client, **options)


OURS = client(os.environ["API_KEY"])


def read(headers=None):
    """The text of a streamed completion, why it ended, and the error that broke it."""
    text, reasons = "", []
    try:
        stream = OURS.chat.completions.create(
            model="default",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=headers or {},
        )
        for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reasons += [choice.finish_reason] if choice.finish_reason else []
            if not chunk.choices:
                assert chunk.usage.total_tokens > 0
    except openai.APIError as error:
        return text, reasons, error
    return text, reasons, None


def refused(kind, param, call):
    try:
        call()
    except kind as error:
        assert error.param == param, error
        return error
    raise AssertionError(f"expected {kind}")


def answers():
    assert read() == (SAID, ["stop"], None)
    whole = OURS.chat.completions.create(model="default", messages=MESSAGES, max_tokens=50)
    assert SAID.startswith(whole.choices[0].message.content)
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage.completion_tokens == 50
    whole = OURS.chat.completions.create(model="default", messages=MESSAGES, stop=["30 "], seed=7, top_p=0.5, user="a")
    assert whole.choices[0].message.content == SAID[: SAID.index("30 ")]
    assert whole.choices[0].finish_reason == "stop"
    assert [model.id for model in OURS.models.list()] == ["default"]
    assert OURS.models.retrieve("default").id == "default"
    with OURS.chat.completions.stream(model="default", messages=MESSAGES) as stream:
        assert stream.get_final_completion().choices[0].message.content == SAID


def refusals():
    create = OURS.chat.completions.create
    refused(openai.AuthenticationError, None, lambda: client("sk-none").models.list())
    error = refused(openai.NotFoundError, "model", lambda: create(model="gpt-4", messages=MESSAGES))
    assert error.code == "model_not_found", error
    tools = [{"type": "function", "function": {"name": "f"}}]
    for param, value, code in [
        ("n", 2, "unsupported_value"),
        ("tools", tools, "unsupported_parameter"),
        ("tool_choice", "required", "unsupported_value"),
        ("response_format", {"type": "json_object"}, "unsupported_value"),
        ("logprobs", True, "unsupported_parameter"),
        ("stop", [""], "invalid_value"),
        ("temperature", 3, "invalid_value"),
        ("max_tokens", 0, "invalid_value"),
    ]:
        options = {"model": "default", "messages": MESSAGES, param: value}
        error = refused(openai.BadRequestError, param, lambda: create(**options))
        assert (error.code, error.type) == (code, "invalid_request_error"), error
    extra = {"top_k": 5}
    error = refused(openai.BadRequestError, "top_k", lambda: create(model="default", messages=MESSAGES, extra_body=extra))
    assert error.code == "unknown_parameter", error
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    place = "messages[0].content[0].type"
    refused(openai.BadRequestError, place, lambda: create(model="default", messages=image))


def same():
    """The model starts again with the same text, or a request gets no answer and is sent again."""
    assert read(KEY) == (SAID, ["stop"], None)


def other():
    """The model starts again with another text."""
    text, reasons, error = read()
    assert (reasons, error.code) == ([], "answer_restarted"), (reasons, error)
    assert text


def broken():
    """The connection breaks; the same key then has the answer."""
    text, reasons, error = read(KEY)
    assert error is not None and not reasons
    assert SAID.startswith(text)
    assert read(KEY) == (SAID, ["stop"], None)


{check.__name__: check for check in (answers, refusals, same, other, broken)}[sys.argv[1]]()
