// Node's own fetch, and a reader of its body: a browser's.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';

import { openGate, stack } from './deliveries.mjs';

const limit = { timeout: 120_000 };

beforeEach(() => {
  for (const gate of ['2', '3']) rmSync(join(stack.directory, gate), { force: true });
});

async function next(reader) {
  const { done, value } = await reader.read();
  return done ? undefined : value;
}

test('each chunk is there before the function writes the next', limit, async () => {
  const response = await fetch(stack.functionUrl, { method: 'POST', body: '{}' });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('content-length'), null);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal(await next(reader), 'id: 1\ndata: event 1\n\n');
  openGate('2');
  assert.equal(await next(reader), 'id: 2\ndata: event 2\n\n');
  openGate('3');
  assert.equal(await next(reader), 'id: 3\ndata: event 3\n\n');
  assert.equal(await next(reader), undefined);
});

test('a body that breaks off is an error, not an end', limit, async () => {
  openGate('2');
  const response = await fetch(`${stack.functionUrl}?break`);
  const reader = response.body.getReader();
  await next(reader);
  openGate('3');
  await assert.rejects(async () => {
    while (await next(reader));
  });
});

test('a preflight request doesn’t reach the function', limit, async () => {
  const response = await fetch(stack.functionUrl, {
    method: 'OPTIONS',
    headers: { origin: 'http://localhost:5173', 'access-control-request-method': 'POST' },
  });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '');
});
