// npm's `openai` against the function URL, with a user's token as its key.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, test } from 'node:test';

import OpenAI from 'openai';

import { cognito, tokens } from './sign-in.mjs';
import { alice, faults, KILLED, lastModelCall, script, stack, takenOver } from './stack.mjs';

const limit = { timeout: 120_000 };
const said = Array.from({ length: 60 }, (_, number) => `${number} `);
const numbered = said.map((token) => `{call}:${token}`);
const model = 'default';
const messages = [{ role: 'user', content: 'Why do rivers meander?' }];
const { AccessToken: apiKey } = await tokens(alice);
const baseURL = `${stack.streamUrl}v1`;
const client = new OpenAI({ apiKey, baseURL });

afterEach(() => faults([]));
after(() => cognito.destroy());

/** The chunks of a stream, and the error that ends it. */
async function read(stream) {
  const chunks = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch (error) {
    return { chunks, error };
  }
  return { chunks };
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
const ask = (options = {}, request = {}) =>
  client.chat.completions.create({ model, messages, stream: true, ...options }, request);

/** Waits for the end of a completion's session. */
async function ended(id) {
  const session = id.replace('chatcmpl-', '');
  const followed = await fetch(stack.streamUrl + session, { headers: { authorization: `Bearer ${apiKey}` } });
  assert.match(await followed.text(), /"status":"COMPLETED"/);
}

test('a stream has the answer, why it ended, and what it cost', limit, async () => {
  await script({ tokens: said });
  const { data, request_id, response } = await ask({ stream_options: { include_usage: true } }).withResponse();
  const { chunks, error } = await read(data);
  assert.equal(error, undefined);
  assert.equal(textOf(chunks), said.join(''));
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
  const reasons = chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean);
  assert.deepEqual(reasons, ['stop']);
  const { usage } = chunks.at(-1);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.equal(request_id, response.headers.get('x-tokencast-session-id'));
});

test('the package’s own helper puts the answer together', limit, async () => {
  await script({ tokens: said });
  const stream = client.chat.completions.stream({ model, messages });
  const whole = await stream.finalChatCompletion();
  assert.equal(whole.choices[0].message.content, said.join(''));
  assert.equal(whole.choices[0].finish_reason, 'stop');
});

test('an answer comes at once, as long as it may be, with the history before its prompt', limit, async () => {
  await script({ tokens: said });
  const history = [{ role: 'user', content: 'Hello' }, { role: 'assistant', content: 'Hi' }];
  const whole = await client.chat.completions.create({ model, messages: [...history, ...messages], max_tokens: 50 });
  assert.equal(whole.choices[0].message.content, said.slice(0, 50).join(''));
  assert.equal(whole.choices[0].finish_reason, 'length');
  assert.ok(whole.usage.total_tokens > 0);
  assert.match((await lastModelCall()).prompt, /meander/);
});

test('assistants are models', limit, async () => {
  const names = [];
  for await (const { id } of client.models.list()) names.push(id);
  assert.deepEqual(names, [model]);
  assert.equal((await client.models.retrieve(model)).id, model);
  await assert.rejects(client.models.retrieve('gpt-4'), OpenAI.NotFoundError);
});

test('refusals are the package’s errors', limit, async () => {
  const stranger = new OpenAI({ apiKey: 'sk-none', baseURL });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  await assert.rejects(ask({ model: 'gpt-4' }), { code: 'model_not_found', status: 404 });
  const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }];
  const tools = [{ type: 'function', function: { name: 'f' } }];
  for (const [options, code, param = Object.keys(options)[0]] of [
    [{ n: 2 }, 'unsupported_value'],
    [{ messages: image }, 'unsupported_value', 'messages[0].content[0].type'],
    [{ tools }, 'unsupported_parameter'],
    [{ functions: [{ name: 'f' }] }, 'unsupported_parameter'],
    [{ tool_choice: 'required' }, 'unsupported_value'],
    [{ response_format: { type: 'json_object' } }, 'unsupported_value'],
    [{ stop: [''] }, 'invalid_value'],
    [{ stop: 7 }, 'invalid_type'],
    [{ logprobs: true }, 'unsupported_parameter'],
    [{ top_logprobs: 2 }, 'unsupported_parameter'],
    [{ audio: { voice: 'alloy', format: 'mp3' } }, 'unsupported_parameter'],
    [{ web_search_options: {} }, 'unsupported_parameter'],
    [{ temperature: 3 }, 'invalid_value'],
    [{ max_tokens: 0 }, 'invalid_value'],
    [{ stream_options: { include_usage: true }, stream: false }, 'invalid_value'],
    [{ top_k: 5 }, 'unknown_parameter'],
  ]) {
    const error = await ask(options).then(assert.fail, (refused) => refused);
    assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
    assert.deepEqual([error.param, error.code, error.type], [param, code, 'invalid_request_error']);
    assert.ok(error.message.includes(`'${param}'`), error.message);
  }
});

test('an answer ends before a text to stop at', limit, async () => {
  await script({ tokens: said });
  for (const stop of ['30 ', ['50 ', '30 ']]) {
    const { chunks } = await read(await ask({ stop }));
    assert.equal(textOf(chunks), said.slice(0, 30).join(''));
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  }
});

test('what only tunes a model changes nothing', limit, async () => {
  await script({ tokens: said });
  const tuned = { n: 1, seed: 7, top_p: 0.5, user: 'alice', presence_penalty: 1, frequency_penalty: 1, store: false };
  const asking = { ...tuned, logit_bias: { 50256: -100 }, logprobs: false, tools: [], response_format: { type: 'text' } };
  assert.equal(textOf((await read(await ask(asking))).chunks), said.join(''));
});

test('a model that starts again shows no text twice', limit, async () => {
  for (const kind of ['fail', 'cut', 'reset']) {
    const fault = { kind, exception: 'modelStreamError', afterTokens: 20 };
    await script({ tokens: said, fault });
    const same = await read(await ask());
    assert.deepEqual([kind, same.error], [kind, undefined]);
    assert.equal(textOf(same.chunks), said.join(''));
    await script({ tokens: numbered, fault });
    const other = await read(await ask());
    assert.ok(other.error instanceof OpenAI.APIError);
    assert.equal(other.error.code, 'answer_restarted');
    assert.ok(other.chunks.every((chunk) => !chunk.choices[0].finish_reason));
  }
});

test('a worker answers when the function dies in mid answer, and the key has its answer', limit, async () => {
  await script({ tokens: numbered, msBetweenTokens: 30 });
  await faults([KILLED]);
  const options = { headers: { 'Idempotency-Key': randomUUID() } };
  const broken = await read(await ask({}, options));
  assert.ok(broken.error);
  assert.match(textOf(broken.chunks), /^\d+:0 /);
  assert.ok(broken.chunks.every((chunk) => !chunk.choices[0].finish_reason));
  await takenOver();
  const [{ id }] = broken.chunks;
  await ended(id);
  const again = await read(await ask({}, options));
  assert.equal(again.error, undefined);
  assert.equal(again.chunks[0].id, id);
  const text = textOf(again.chunks);
  assert.equal(text, numbered.join('').replaceAll('{call}', text.split(':')[0]));
});

test('the package tries again what got no answer, and a key keeps it from being asked twice', limit, async () => {
  await script({ tokens: said });
  await faults([{ service: 'functionurl', when: { times: 1 }, fault: 'reset' }]);
  assert.equal(textOf((await read(await ask())).chunks), said.join(''));
  const before = (await lastModelCall()).id;
  await faults([{ service: 'functionurl', when: { times: 1 }, fault: 'lostAnswer' }]);
  const keyed = await ask({}, { headers: { 'Idempotency-Key': randomUUID() } });
  assert.equal(textOf((await read(keyed)).chunks), said.join(''));
  assert.equal((await lastModelCall()).id, before + 1);
});

test('a connection that breaks is an error, and the answer is there by its key', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  await faults([{ service: 'functionurl', when: { times: 1 }, fault: { streamReset: { afterTokens: 5 } } }]);
  const options = { headers: { 'Idempotency-Key': randomUUID() } };
  const broken = await read(await ask({}, options));
  assert.ok(broken.error);
  assert.ok(said.join('').startsWith(textOf(broken.chunks)));
  const again = await read(await ask({}, options));
  assert.equal(textOf(again.chunks), said.join(''));
});

test('leaving is not stopping', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  const { data, request_id } = await ask().withResponse();
  for await (const chunk of data) if (textOf([chunk])) break;
  await ended(request_id);
  assert.equal((await lastModelCall()).ended, 'completed');
});
