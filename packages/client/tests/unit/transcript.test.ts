/** Every case of the vectors that all clients of the repository share. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Transcript, type Change } from '../../src/transcript.js';
import type { Block } from '../../src/blocks.js';
import { withPiece } from '../../src/bodies.js';
import type { Snapshot, StreamStatus, TokenEvent } from '../../src/types.js';

interface Case {
  name: string;
  steps: {
    event?: TokenEvent;
    snapshot?: Snapshot;
    expect: {
      text: string;
      status: StreamStatus | null;
      needsSnapshot: boolean;
      blocks?: Block[];
    };
  }[];
}

const FIXTURE = new URL('../../../../tests/fixtures/reassembly.json', import.meta.url);
const cases = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Case[];

describe('the shared vectors of reassembly', () => {
  test('are there', () => {
    expect(cases.length).toBeGreaterThanOrEqual(88);
  });

  test.each(cases.map(({ name, steps }) => ({ name, steps })))('$name', ({ steps }) => {
    const transcript = new Transcript();
    let display = '';
    let blocks: Block[] = [];
    for (const [index, { event, snapshot, expect: expected }] of steps.entries()) {
      const changes: Change[] = [];
      if (event) changes.push(...transcript.event(event));
      if (snapshot) changes.push(...transcript.snapshot(snapshot));
      display = shown(display, changes);
      blocks = shownBlocks(blocks, changes);
      const { text, status, needsSnapshot } = transcript;
      const { blocks: expectedBlocks, ...others } = expected;
      expect({ text, status, needsSnapshot }, `after step ${index + 1}`).toEqual(others);
      expect(transcript.blocks, `after step ${index + 1}`).toEqual(
        expectedBlocks?.map(withoutNulls) ??
          (text === '' ? [] : [{ index: 0, type: 'TEXT', text }]),
      );
      // Whoever only follows the changes sees the same.
      expect(display, `on display after step ${index + 1}`).toBe(text);
      expect(blocks, `on display after step ${index + 1}`).toEqual(transcript.blocks);
    }
  });
});

test('what waits for a gap is bounded, and a snapshot brings the rest', () => {
  const transcript = new Transcript();
  for (let sequence = 2; sequence <= 3_000; sequence += 1) {
    transcript.event({ attempt: 1, sequence, token: 'x', isComplete: false });
  }
  expect(transcript.text).toBe('');
  transcript.event({ attempt: 1, sequence: 1, token: 'x', isComplete: false });
  expect(transcript.text.length).toBeLessThan(3_000);
  expect(transcript.needsSnapshot).toBe(true);
  transcript.snapshot({
    status: 'STREAMING',
    text: 'x'.repeat(3_000),
    sequence: 3_000,
    attempt: 1,
  });
  expect(transcript.text).toHaveLength(3_000);
  expect(transcript.needsSnapshot).toBe(false);
});

function shown(text: string, changes: Change[]): string {
  return changes.reduce((shownText, change) => {
    if (change.type === 'restart') return '';
    return change.type === 'text' ? shownText + change.text : shownText;
  }, text);
}

function shownBlocks(blocks: Block[], changes: Change[]): Block[] {
  return changes.reduce((shown, change) => {
    if (change.type === 'restart') return [];
    return change.type === 'end' ? shown : withPiece(shown, change);
  }, blocks);
}

/** `null` and absent mean the same. */
function withoutNulls(block: Block): unknown {
  return JSON.parse(JSON.stringify(block, (_, value: unknown) => value ?? undefined));
}
