import { expect } from 'vitest';

import { test } from './tokencast.js';

test('the answer is what the model says', async ({ client, stack }) => {
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'] });
  let text = '';
  for await (const event of client.streamPrompt('Why do rivers meander?')) {
    if (event.type === 'text') text += event.text;
  }
  expect(text).toBe('Rivers meander slowly.');
});

test('an answer survives a socket that is cut', async ({ client, stack }) => {
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'], timeBetweenTokensMs: 50 });
  // The socket is cut where the second event would have been.
  const when = { after: 1, times: 1 };
  await stack.faults([{ service: 'realtime', operation: 'data', when, fault: 'disconnect' }]);
  const types: string[] = [];
  let text = '';
  for await (const event of client.streamPrompt('Why do rivers meander?')) {
    types.push(event.type);
    if (event.type === 'text') text += event.text;
  }
  expect(text).toBe('Rivers meander slowly.');
  expect(types).toContain('reconnected');
});

test('a model that refuses to answer fails with a code', async ({ client, stack }) => {
  const fault = { error: { type: 'AccessDeniedException' } };
  await stack.faults([{ service: 'bedrock', operation: 'ConverseStream', fault }]);
  const events = [];
  for await (const event of client.streamPrompt('Why?')) events.push(event);
  await stack.faults([]);
  expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'MODEL_UNAVAILABLE' });
});
