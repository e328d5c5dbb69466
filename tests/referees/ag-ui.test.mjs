// `HttpAgent` of `@ag-ui/client` against the function URL. It checks the order of events and each event's schema itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, test } from 'node:test';

import { HttpAgent } from '@ag-ui/client';

import { cognito, tokens } from './sign-in.mjs';
import { alice, faults, fired, KILLED, script, stack, takenOver } from './stack.mjs';

const limit = { timeout: 120_000 };
const said = Array.from({ length: 40 }, (_, number) => `${number} `);
const { AccessToken } = await tokens(alice);

afterEach(() => faults([]));
after(() => cognito.destroy());

/**
 * Where a body is reset, version 1.0.0 of the package rejects twice: once as it should, and once more, when it cancels the
 * body, in a promise that nobody holds. This leaves the second away.
 */
async function quietly(url, init) {
  const response = await fetch(url, init);
  const getReader = response.body.getReader.bind(response.body);
  response.body.getReader = () => {
    const reader = getReader();
    const cancel = reader.cancel.bind(reader);
    reader.cancel = () => cancel().catch(() => undefined);
    return reader;
  };
  return response;
}

const thread = (headers = { authorization: `Bearer ${AccessToken}` }) =>
  new HttpAgent({ url: `${stack.streamUrl}ag-ui`, headers, threadId: randomUUID(), fetch: quietly });

const say = (agent, content) => agent.addMessage({ id: randomUUID(), role: 'user', content });

/** Runs the agent; the types of all events. */
async function run(agent, parameters) {
  const types = [];
  const result = await agent.runAgent(parameters, { onEvent: ({ event }) => void types.push(event.type) });
  return { types, result };
}

async function conversationOf(sessionId) {
  const headers = { authorization: `Bearer ${AccessToken}` };
  const session = await fetch(stack.streamUrl + sessionId, { headers });
  await session.text();
  return session.headers.get('x-tokencast-conversation-id');
}

const texts = (agent) => agent.messages.map(({ role, content }) => [role, content]);

test('a thread has questions and answers', limit, async () => {
  const agent = thread();
  await script({ tokens: said });
  say(agent, 'Why do rivers meander?');
  const { types, result } = await run(agent);
  assert.equal(types[0], 'RUN_STARTED');
  assert.equal(types.at(-1), 'RUN_FINISHED');
  assert.equal(result.newMessages.length, 1);
  assert.equal(result.newMessages[0].content, said.join(''));
  say(agent, 'And deltas?');
  await run(agent);
  assert.deepEqual(texts(agent), [
    ['user', 'Why do rivers meander?'],
    ['assistant', said.join('')],
    ['user', 'And deltas?'],
    ['assistant', said.join('')],
  ]);
  // The thread is a conversation, whose turns have the messages' ids.
  const [first, second] = await Promise.all([1, 3].map((at) => conversationOf(agent.messages[at].id)));
  assert.ok(first);
  assert.equal(first, second);
});

test('reasoning is a message of its own, and a source is an event', limit, async () => {
  const agent = thread();
  await script({
    blocks: [
      { reasoning: ['Hm, ', 'so.'] },
      { text: ['They ', 'meander'] },
      { citation: { title: 'Rivers', url: 'https://example.com/rivers' } },
      { text: [' slowly.'] },
    ],
  });
  say(agent, 'Why?');
  const sources = [];
  await agent.runAgent({}, { onCustomEvent: ({ event }) => void sources.push(event) });
  assert.deepEqual(texts(agent), [
    ['user', 'Why?'],
    ['reasoning', 'Hm, so.'],
    ['assistant', 'They meander slowly.'],
  ]);
  assert.equal(sources[0].name, 'citation');
  assert.equal(sources[0].value.url, 'https://example.com/rivers');
});

const numbered = said.map((token) => `{call}:${token}`);

/** Whether a thread has its question, and one attempt's answer alone. */
function checkAnswered(agent) {
  const [question, answer, ...more] = texts(agent);
  assert.deepEqual([question, more], [['user', 'Why?'], []]);
  const call = answer[1].split(':')[0];
  assert.deepEqual(answer, ['assistant', said.map((token) => `${call}:${token}`).join('')]);
}

test('an answer that starts again shows no text twice', limit, async () => {
  const exception = 'modelStreamError';
  for (const kind of ['fail', 'cut', 'reset']) {
    const agent = thread();
    await script({ tokens: numbered, fault: { kind, exception, afterTokens: 10 } });
    say(agent, 'Why?');
    const { types } = await run(agent);
    // What was sent is taken back, and the text begins anew behind that.
    const restarts = types.filter((type) => type === 'MESSAGES_SNAPSHOT').length;
    const begun = types.filter((type) => type === 'TEXT_MESSAGE_START').length;
    assert.deepEqual([kind, restarts, begun], [kind, 1, 2]);
    assert.ok(types.indexOf('MESSAGES_SNAPSHOT') < types.lastIndexOf('TEXT_MESSAGE_START'));
    checkAnswered(agent);
  }
});

test('a run whose connection is lost has its answer when it is run again', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  for (const fault of ['reset', 'lostAnswer', { streamCut: { afterTokens: 5 } }, { streamReset: { afterTokens: 5 } }]) {
    const agent = thread();
    const runId = randomUUID();
    say(agent, 'Why?');
    const asked = [...agent.messages];
    await faults([{ service: 'functionurl', when: { times: 1 }, fault }]);
    assert.equal(await isWhole(agent, runId), false);
    assert.deepEqual(await fired(), [1]);
    agent.setMessages(asked);
    await run(agent, { runId });
    assert.deepEqual(texts(agent), [['user', 'Why?'], ['assistant', said.join('')]]);
  }
});

test('a run whose function dies is answered by a worker', limit, async () => {
  const agent = thread();
  const runId = randomUUID();
  await script({ tokens: numbered, msBetweenTokens: 40 });
  await faults([KILLED]);
  say(agent, 'Why?');
  const asked = [...agent.messages];
  assert.equal(await isWhole(agent, runId), false);
  // What came of it is shown; the same run has the worker's answer instead.
  assert.match(agent.messages[1].content, /^\d+:0 /);
  agent.setMessages(asked);
  await takenOver();
  await run(agent, { runId });
  checkAnswered(agent);
});

/** Whether a run comes to its end. */
async function isWhole(agent, runId) {
  const types = await run(agent, { runId }).then(
    (ended) => ended.types,
    () => [],
  );
  return types.includes('RUN_FINISHED');
}

test('a failure ends the run, and a refusal says why', limit, async () => {
  const agent = thread();
  await script({ tokens: said, fault: { kind: 'refuse', exception: 'validation' } });
  say(agent, 'Why?');
  const codes = [];
  const failed = agent.runAgent({}, { onRunErrorEvent: ({ event }) => void codes.push(event.code) });
  await failed.catch(() => undefined);
  assert.equal(codes.length, 1);
  const stranger = thread({});
  say(stranger, 'Why?');
  await assert.rejects(stranger.runAgent(), /401/);
});
