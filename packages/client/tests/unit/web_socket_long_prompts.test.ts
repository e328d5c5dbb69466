/** Prompts that are longer than a frame of a WebSocket API. */

import { afterEach, describe, expect, test } from 'vitest';

import { completed, token } from '../support/deliveries.js';
import { all, closeServer, ID, serve, textOf, types } from '../support/web_socket_client.js';

afterEach(closeServer);

/** How long a message may be in one frame, and a browser sends no other. */
const FRAME_BYTES = 32_768;
const LENGTHS = [20, 31, 33, 40, 60, 80, 99].map((kilobytes) => kilobytes * 1_000);
const ENVELOPE = JSON.stringify({ action: 'stream', sessionId: ID, prompt: '' }).length;
const LONG: [what: string, prompt: string][] = [
  ...LENGTHS.map((length): [string, string] => [`${length} letters`, 'x'.repeat(length)]),
  ['what fits exactly', 'x'.repeat(FRAME_BYTES - ENVELOPE)],
  ['one more than fits', 'x'.repeat(FRAME_BYTES - ENVELOPE + 1)],
  ['characters of three bytes', '語'.repeat(20_000)],
  ['characters that JSON makes six times as long', '\u0001'.repeat(10_000)],
];

describe('a long prompt', () => {
  const fits = (prompt: string): boolean => {
    const message = JSON.stringify({ action: 'stream', sessionId: ID, prompt });
    return Buffer.byteLength(message) <= FRAME_BYTES;
  };

  test.each(LONG)('of %s is sent whole, by another way where it has to be', async (_, prompt) => {
    const started: string[] = [];
    const { client, actions } = await serve(
      (action, socket) => {
        expect(Buffer.byteLength(JSON.stringify(action))).toBeLessThanOrEqual(FRAME_BYTES);
        socket.answer(action.action === 'stream' ? 'started' : 'resumed', 'QUEUED');
        socket.events(token(1, 'a'), completed(2));
      },
      {
        startStream: (_sessionId, sent) => {
          started.push(sent);
          return Promise.resolve();
        },
      },
    );
    const events = await all(client.streamPrompt(prompt, { sessionId: ID }));
    expect(textOf(events)).toBe('a');
    expect(actions.map(({ action }) => action)).toEqual([fits(prompt) ? 'stream' : 'resume']);
    expect(fits(prompt) ? [actions[0]?.prompt] : started).toEqual([prompt]);
  });

  test.each(LONG.filter(([, prompt]) => !fits(prompt)))(
    'of %s is refused at once where there is no other way',
    async (_, prompt) => {
      const { client, actions } = await serve(() => undefined);
      await expect(all(client.streamPrompt(prompt, { sessionId: ID }))).rejects.toMatchObject({
        kind: 'refused',
        errorType: 'INVALID_PROMPT',
        message: expect.stringMatching(/32768 .* AppSync or the Function URL/) as string,
      });
      expect(actions).toEqual([]);
    },
  );

  test('is started again where that fails in passing, and refused with its reason', async () => {
    let tries = 0;
    const { client } = await serve(
      (_, socket) => {
        socket.answer('resumed', 'QUEUED');
        socket.events(completed(1));
      },
      {
        startStream: () => {
          tries += 1;
          return tries < 3 ? Promise.reject(new TypeError('network')) : Promise.resolve();
        },
      },
    );
    const events = await all(client.streamPrompt('x'.repeat(40_000)));
    expect(types(events).at(-1)).toBe('completed');
    expect(tries).toBe(3);
  });
});
