/** Prompts that hold half of a character are repaired before they are sent, over each delivery. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Delivery } from '../../src/outputs.js';
import { wellFormed } from '../../src/well_formed.js';
import { outcome, Server, WHOLE } from '../support/scripted.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const CASES: [what: string, prompt: string, repaired: string][] = [
  ['no surrogates', 'Why?', 'Why?'],
  ['a whole emoji', 'a 🌊 b', 'a 🌊 b'],
  ['a first half at the end', 'cut \ud83d', 'cut \ufffd'],
  ['a first half within', 'a \ud83d b', 'a \ufffd b'],
  ['a second half at the beginning', '\ude00 b', '\ufffd b'],
  ['halves in the wrong order', '\ude00\ud83d', '\ufffd\ufffd'],
  ['a half before a whole one', '\ud83d🌊', '\ufffd🌊'],
  ['characters that are none', 'a\uffffb\ufffec', 'a\uffffb\ufffec'],
];

describe.each(['a browser that has toWellFormed', 'one that lacks it'])('in %s', (browser) => {
  test.each(CASES)('%s', (_, prompt, repaired) => {
    const prototype = String.prototype as { toWellFormed?: unknown };
    const native = Object.getOwnPropertyDescriptor(prototype, 'toWellFormed');
    if (browser === 'one that lacks it') delete prototype.toWellFormed;
    try {
      expect(wellFormed(prompt)).toBe(repaired);
    } finally {
      if (native) Object.defineProperty(prototype, 'toWellFormed', native);
    }
  });
});

test.each<Delivery>(['appsync', 'url', 'websocket'])(
  'over %s they are sent so',
  async (delivery) => {
    const server = new Server({ events: () => WHOLE });
    const client = server.client(delivery);
    for (const [, prompt] of CASES) await outcome(client.streamPrompt(prompt));
    expect(server.prompts).toEqual(CASES.map(([, , repaired]) => repaired));
  },
);
