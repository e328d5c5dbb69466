/** What a reader is told: words for each state, and never a code. */

import { describe, expect, test } from 'vitest';

import { RETRYABLE } from '@tokencast/client';
import { stateInWords } from '../../src/conversation/AnswerState';
import { wordsForEnding, wordsForNoText } from '../../src/conversation/ending_words';
import { failureWords } from '../../src/conversation/failure_words';
import { isLong, promptSize } from '../../src/chat/prompt_size';
import { timeInWords } from '../../src/chat/times';
import { tabTitle, titleOf } from '../../src/chat/title';
import { thoughtInWords } from '../../src/content/thought_words';
import { figuresOf } from '../../src/conversation/figures_of';
import type { Conversation } from '@tokencast/client';
import type { Phase, TurnView } from '@tokencast/react';

const STOP_REASONS = [
  'end_turn',
  'tool_use',
  'max_tokens',
  'stop_sequence',
  'guardrail_intervened',
  'content_filtered',
  'malformed_model_output',
  'malformed_tool_use',
  'model_context_window_exceeded',
  'max_answer_bytes',
  'some_new_reason',
  null,
];
/** `MAX_TOKENS`, `max_tokens`: nothing that a person says. */
const CODE = /[A-Za-z]_[A-Za-z]|[A-Z]{3}/;

describe('an answer without text says why', () => {
  test.each(STOP_REASONS)('%s', (stopReason) => {
    for (const text of ['', ' \n\t ']) {
      const words = wordsForNoText({ phase: 'completed', stopReason, text });
      expect(words).toMatch(/^[A-Z].*\.$/);
      expect(words).not.toMatch(CODE);
    }
  });

  test('unless there is a text, or there will be', () => {
    expect(wordsForNoText({ phase: 'completed', stopReason: null, text: 'Yes.' })).toBeNull();
    expect(wordsForNoText({ phase: 'thinking', stopReason: null, text: '' })).toBeNull();
    expect(wordsForNoText({ phase: 'failed', stopReason: null, text: '' })).toBeNull();
    expect(wordsForNoText({ phase: 'cancelled', stopReason: null, text: '' })).toMatch(/Stopped/);
  });
});

describe('a text that ends says why, if not because it was finished', () => {
  test.each(STOP_REASONS)('%s', (stopReason) => {
    const words = wordsForEnding({ phase: 'completed', stopReason, text: 'Yes.' });
    if (['end_turn', 'stop_sequence', null].includes(stopReason)) expect(words).toBeNull();
    else expect(words).toMatch(/^(cut|ended)/);
    expect(words ?? '').not.toMatch(CODE);
  });
});

describe('a failure is said in words, with a way out', () => {
  test.each([
    ...Object.keys(RETRYABLE),
    'PAGE',
    'CONNECTION',
    'UNSENT',
    'SIGNED_OUT',
    'OTHER_USER',
    'NOT_STARTED',
    'NOT_FOUND',
  ])('%s', (code) => {
    const failure = { code, message: 'in_a_code', retryable: false };
    const { words, wayOut } = failureWords(failure);
    expect(words).toMatch(/^[A-Z].*\.$/);
    expect(words).not.toMatch(CODE);
    expect(wayOut).toBeTruthy();
  });

  test.each([
    [true, 'askAgain'],
    [false, 'edit'],
  ])('one that is new at the server’s: retryable %s', (retryable, wayOut) => {
    const failure = { code: 'NEW_ONE', message: 'It is too late.', retryable };
    expect(failureWords(failure)).toEqual({ words: 'It is too late.', wayOut });
  });
});

describe('a state is said in words', () => {
  const going = { reconnecting: false, stopping: false, restarts: 0, blocks: [] };
  test.each<[Phase, Partial<typeof going>, boolean, string | null]>([
    ['unsent', {}, false, 'offline'],
    ['connecting', {}, false, 'Connecting'],
    ['connecting', {}, true, 'Still connecting'],
    ['queued', {}, false, 'Waiting in the queue'],
    ['queued', {}, true, 'the model is busy'],
    ['thinking', {}, false, 'Thinking'],
    ['thinking', {}, true, 'Still thinking'],
    ['thinking', { restarts: 1 }, true, 'again'],
    ['streaming', {}, false, null],
    ['streaming', {}, true, 'next words'],
    ['streaming', { reconnecting: true }, true, 'Reconnecting'],
    ['streaming', { reconnecting: true, stopping: true }, false, 'Stopping'],
    ['completed', { reconnecting: true }, true, null],
    ['failed', {}, true, null],
  ])('%s %j, slow: %s', (phase, how, slow, words) => {
    const said = stateInWords({ ...going, ...how, phase }, slow);
    if (words === null) expect(said).toBeNull();
    else expect(said).toContain(words);
  });
});

describe('a wait is said with its reason and its time', () => {
  const going = { reconnecting: false, stopping: false, restarts: 0, blocks: [] };
  const since = new Date(2026, 10, 28, 14, 5).toISOString();
  const time = timeInWords(since) ?? 'no time';
  test.each<[string, Phase, boolean, string]>([
    ['THROTTLED', 'thinking', true, 'no capacity'],
    ['THROTTLED', 'queued', true, 'no capacity'],
    ['THROTTLED', 'streaming', false, 'no capacity'],
    ['SOME_NEW_REASON', 'queued', true, 'something holds'],
  ])('%s, %s', (reason, phase, queued, words) => {
    const held = { queued, waiting: { reason, since } };
    const said = stateInWords({ ...going, phase }, false, { held, askedAt: 0 });
    expect(said).toContain(words);
    expect(said).toContain(`since ${time}`);
    expect(said).not.toMatch(CODE);
    const over = stateInWords({ ...going, phase: 'completed' }, false, { held, askedAt: 0 });
    expect(over).toBeNull();
  });

  test('a place in the queue, since the question was asked', () => {
    const wait = { held: { queued: true, waiting: null }, askedAt: Date.parse(since) };
    const answer: typeof going & { phase: Phase } = { ...going, phase: 'thinking' };
    expect(stateInWords(answer, false, wait)).toBe('Waiting in the queue …');
    expect(stateInWords(answer, true, wait)).toContain(`in the queue, since ${time}`);
  });

  test('what is no time is left out', () => {
    const held = { queued: true, waiting: { reason: 'THROTTLED', since: 'soon' } };
    const said = stateInWords({ ...going, phase: 'queued' }, false, { held, askedAt: 0 });
    expect(said).toMatch(/^Waiting in the queue: /);
  });
});

test.each([
  ['x'.repeat(1_999), null],
  ['x'.repeat(2_000), { words: '2,000 characters', tooLong: false }],
  ['ä'.repeat(50_000), { words: '50,000 characters', tooLong: false }],
  ['ä'.repeat(50_001), { words: /^50,001 characters: .* by 2 bytes$/, tooLong: true }],
  ['x'.repeat(100_000), { words: '100,000 characters', tooLong: false }],
  ['x'.repeat(100_001), { words: /too long, by 1 bytes$/, tooLong: true }],
])('a long prompt is counted', (prompt, size) => {
  if (size === null) expect(promptSize(prompt)).toBeNull();
  else {
    expect(promptSize(prompt)?.words).toMatch(size.words);
    expect(promptSize(prompt)?.tooLong).toBe(size.tooLong);
  }
});

test.each([
  ['x'.repeat(900), false],
  ['x'.repeat(901), true],
  ['a\n'.repeat(11), false],
  ['a\n'.repeat(13), true],
])('a long prompt is collapsed', (prompt, long) => {
  expect(isLong(prompt)).toBe(long);
});

test('while a model reasons, the state above its answer is not said twice', () => {
  const going = { reconnecting: false, stopping: false, restarts: 0 };
  const blocks = [{ index: 0, type: 'REASONING' as const, reasoning: '' }];
  for (const phase of ['thinking', 'streaming'] as const) {
    expect(stateInWords({ ...going, phase, blocks }, true)).toBeNull();
    expect(stateInWords({ ...going, phase, blocks, stopping: true })).toContain('Stopping');
  }
});

test.each([
  [true, true, null, 'Thinking …'],
  [true, false, null, 'Thinking, not shown …'],
  [false, true, null, 'Thought'],
  [false, true, 12_345, 'Thought for 12 s'],
  [false, true, 300, 'Thought for less than a second'],
  [false, true, 60_000, 'Thought for 1 min'],
  [false, false, 83_000, 'Thought for 1 min 23 s, not shown'],
])('thoughts: live %s, shown %s, %s ms', (live, shown, tookMs, words) => {
  expect(thoughtInWords(live, shown, tookMs)).toBe(words);
});

test('figures are those that are known', () => {
  const usage = { inputTokens: 1_200, outputTokens: 6, totalTokens: 1_206 };
  expect(figuresOf({ usage: null, reasoningMs: null })).toEqual([]);
  expect(figuresOf({ usage, reasoningMs: null }).map(([name]) => name)).toEqual([
    'Input',
    'Output',
    'In all',
  ]);
  const cached = { ...usage, cacheReadInputTokens: 1_000, cacheWriteInputTokens: 0 };
  expect(figuresOf({ usage: cached, reasoningMs: 2_000 })).toEqual([
    ['Input', '1,200 tokens'],
    ['of it from the cache', '1,000 tokens'],
    ['of it put into the cache', '0 tokens'],
    ['Output', '6 tokens'],
    ['In all', '1,206 tokens'],
    ['Thought for', '2 s'],
  ]);
});

test('a conversation is called by its title, or else by its first question', () => {
  const none = { conversation: null, path: [] };
  expect(titleOf(none)).toBe('New conversation');
  const turn = { prompt: 'Why\n do rivers meander?' } as TurnView;
  expect(titleOf({ ...none, path: [turn] })).toBe('Why do rivers meander?');
  const conversation = { title: 'Rivers' } as Conversation;
  expect(titleOf({ conversation, path: [turn] })).toBe('Rivers');
  expect(tabTitle('Rivers')).toBe('Rivers · Tokencast');
});

describe('a quota that is used up', () => {
  const now = new Date(2026, 10, 28, 12);
  const words = (limit: string | undefined, until: Date | null): string => {
    const error = { code: 'QUOTA_EXCEEDED', message: 'said', retryable: false };
    const resetsAt = until?.toISOString() ?? null;
    return failureWords({ ...error, limit: limit ?? null, resetsAt }, now).words;
  };

  test.each([
    [
      'startsPerMinute',
      new Date(2026, 10, 28, 12, 0, 40),
      /last minute\. Try again in a minute\.$/,
    ],
    [
      'startsPerDay',
      new Date(2026, 10, 28, 16, 30),
      /today as you may\. You can ask again at 4:30.PM\.$/,
    ],
    [
      'tokensPerDay',
      new Date(2026, 10, 29, 1),
      /use today\. You can ask again on Sunday at 1:00.AM\.$/,
    ],
    ['sessionsAtOnce', null, /at once\. Ask again once one of them is over\.$/],
    [undefined, null, /for now\. Try again later\.$/],
  ] as const)('%s until %s', (limit, until, expected) => {
    expect(words(limit, until)).toMatch(expected);
    expect(words(limit, until)).not.toMatch(CODE);
  });

  test('offers another try only where a moment helps', () => {
    const wayOut = (limit: string, until: Date): string =>
      failureWords(
        {
          code: 'QUOTA_EXCEEDED',
          message: '',
          retryable: false,
          limit,
          resetsAt: until.toISOString(),
        },
        now,
      ).wayOut;
    expect(wayOut('startsPerMinute', new Date(2026, 10, 28, 12, 1))).toBe('askAgain');
    expect(wayOut('startsPerDay', new Date(2026, 10, 29, 1))).toBe('wait');
  });
});

test('what an answer cost is told where it has a price', () => {
  const cost = (dollars: number | null): string | undefined => {
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2, cost: dollars };
    return figuresOf({ usage, reasoningMs: null }).find(([name]) => name === 'Cost')?.[1];
  };
  expect([null, 0, 1.5, 0.0123, 0.00456, 0.000012, 0.0000001].map(cost)).toEqual([
    undefined,
    '$0.00',
    '$1.50',
    '$0.01',
    '$0.0046',
    '$0.000012',
    'less than $0.000001',
  ]);
});
