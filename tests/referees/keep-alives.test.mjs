// While the model is silent, streams have comment lines, which each of these clients has to skip. The function sends one each
// 15 s; a proxy that puts one before each event takes no time.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, beforeEach, test } from 'node:test';

import { HttpAgent } from '@ag-ui/client';
import { DefaultChatTransport, readUIMessageStream } from 'ai';
import { EventSource } from 'eventsource';
import OpenAI from 'openai';

import { cognito, tokens } from './sign-in.mjs';
import { alice, script, stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const said = Array.from({ length: 20 }, (_, number) => `${number} `);
const whole = said.join('');
const prompt = 'Why do rivers meander?';
const { AccessToken } = await tokens(alice);
const authorization = `Bearer ${AccessToken}`;

const COMMENT = ': keep-alive\n\n';
const BETWEEN_EVENTS = '\n\n';
let comments = 0;

const proxy = createServer(async (request, response) => {
  const { host: _, ...headers } = request.headers;
  const chunks = await request.toArray();
  const body = chunks.length === 0 ? undefined : Buffer.concat(chunks);
  const answer = await fetch(new URL(request.url.slice(1), stack.streamUrl), { method: request.method, headers, body });
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
  let rest = '';
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + piece).split(BETWEEN_EVENTS);
    rest = events.pop();
    for (const event of events) response.write(`${COMMENT}${event}${BETWEEN_EVENTS}`);
    comments += events.length;
  }
  response.end(`${COMMENT}${rest}`);
});
await once(proxy.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${proxy.address().port}/`;

beforeEach(async () => {
  comments = 0;
  await script({ tokens: said });
});
after(() => {
  proxy.close();
  cognito.destroy();
});

/** Whether the whole answer came, between comments. */
function check(text) {
  assert.equal(text, whole);
  assert.ok(comments > 3, `${comments}`);
}

test('openai skips them', limit, async () => {
  const client = new OpenAI({ apiKey: AccessToken, baseURL: `${url}v1` });
  const messages = [{ role: 'user', content: prompt }];
  const stream = client.chat.completions.stream({ model: 'default', messages });
  const { choices } = await stream.finalChatCompletion();
  check(choices[0].message.content);
});

test('the AI SDK skips them', limit, async () => {
  const transport = new DefaultChatTransport({ api: `${url}ai-sdk`, headers: { authorization } });
  const messages = [{ id: randomUUID(), role: 'user', parts: [{ type: 'text', text: prompt }] }];
  const chatId = randomUUID();
  const stream = await transport.sendMessages({ chatId, messages, trigger: 'submit-message' });
  let last;
  for await (const message of readUIMessageStream({ stream })) last = message;
  check(last.parts.map(({ text = '' }) => text).join(''));
});

test('AG-UI skips them', limit, async () => {
  const agent = new HttpAgent({ url: `${url}ag-ui`, headers: { authorization }, threadId: randomUUID() });
  agent.addMessage({ id: randomUUID(), role: 'user', content: prompt });
  await agent.runAgent();
  check(agent.messages[1].content);
});

test('an EventSource skips them', limit, async () => {
  const sessionId = randomUUID();
  const start = { prompt, sessionId };
  const headers = { authorization, 'content-type': 'application/json' };
  const started = await fetch(stack.streamUrl, { method: 'POST', headers, body: JSON.stringify(start) });
  await started.body.cancel();
  const source = new EventSource(url + sessionId, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization } }),
  });
  let text = '';
  source.addEventListener('token', ({ data }) => (text += JSON.parse(data).token));
  await new Promise((resolve) => source.addEventListener('complete', resolve));
  source.close();
  check(text);
});
