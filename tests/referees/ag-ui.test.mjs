// `HttpAgent` of `@ag-ui/client` against the function URL. It checks the order of events and each event's schema itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, test } from 'node:test';

import { HttpAgent } from '@ag-ui/client';

import { cognito, tokens } from './sign-in.mjs';
import { alice, faults, script, stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const said = Array.from({ length: 40 }, (_, number) => `${number} `);
const { AccessToken } = await tokens(alice);

afterEach(() => faults([]));
after(() => cognito.destroy());

const thread = (headers = { authorization: `Bearer ${AccessToken}` }) =>
  new HttpAgent({ url: `${stack.streamUrl}ag-ui`, headers, threadId: randomUUID() });

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

test('an answer that starts again shows no text twice', limit, async () => {
  const agent = thread();
  const fault = { kind: 'fail', exception: 'modelStreamError', afterTokens: 10 };
  await script({ tokens: said.map((token) => `{call}:${token}`), fault });
  say(agent, 'Why?');
  const { types } = await run(agent);
  assert.ok(types.includes('MESSAGES_SNAPSHOT'));
  assert.equal(agent.messages.length, 2);
  const [, answer] = agent.messages;
  const call = answer.content.split(':')[0];
  assert.equal(answer.content, said.map((token) => `${call}:${token}`).join(''));
});

test('a run whose connection is lost has its answer when it is run again', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  // Where a body is reset, version 1.0.0 of the package rejects a second time, in a promise that nobody holds.
  for (const fault of ['reset', 'lostAnswer', { streamCut: { afterTokens: 5 } }]) {
    const agent = thread();
    const runId = randomUUID();
    say(agent, 'Why?');
    const asked = [...agent.messages];
    await faults([{ service: 'functionurl', when: { times: 1 }, fault }]);
    const whole = await run(agent, { runId }).then(
      ({ types }) => types.includes('RUN_FINISHED'),
      () => false,
    );
    assert.equal(whole, false);
    agent.setMessages(asked);
    await run(agent, { runId });
    assert.deepEqual(texts(agent), [['user', 'Why?'], ['assistant', said.join('')]]);
  }
});

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
