/** Server-sent events, cut at every byte. */

import { describe, expect, test } from 'vitest';

import { SseParser, type ServerSentEvent } from '../../src/sse.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(pieces: Uint8Array[]): ServerSentEvent[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

/** `[name, data]` of each event. */
type Expected = [name: string, data: string][];

const CASES: [what: string, stream: string, expected: Expected][] = [
  ['one event', 'data: a\n\n', [['message', 'a']]],
  ['CRLF', 'event: token\r\ndata: a\r\nid: 1\r\n\r\n', [['token', 'a']]],
  [
    'CR',
    'data: a\r\rdata: b\r\r',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  ['several lines of data', 'data: a\ndata: b\n\n', [['message', 'a\nb']]],
  [
    'no colon',
    'data\n\ndata\ndata\n\n',
    [
      ['message', ''],
      ['message', '\n'],
    ],
  ],
  ['comments', ': keep-alive\n\n:\n\ndata: a\n\n', [['message', 'a']]],
  ['a byte order mark', '\ufeffdata: a\n\n', [['message', 'a']]],
  ['two of them', '\ufeff\ufeffdata: a\n\ndata: b\n\n', [['message', 'b']]],
  [
    'one space at most belongs to the colon',
    'data:a\n\ndata:  a\n\n',
    [
      ['message', 'a'],
      ['message', ' a'],
    ],
  ],
  ['characters of several bytes', 'data: é🌊\n\n', [['message', 'é🌊']]],
  ['unknown fields', 'other: x\nDATA: x\n data: x\ndata: a: b\n\n', [['message', 'a: b']]],
  [
    'ids are passed over',
    'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'lines that end in different ways',
    'data: a\r\n\rdata: b\n\r\n',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  ['a name without data is none', 'event: token\n\ndata: a\n\n', [['message', 'a']]],
  ['what is not whole is dropped', 'data: a\n\ndata: b\n', [['message', 'a']]],
];

describe('a stream is read by the standard’s rules, however it is cut', () => {
  test.each(CASES)('%s', (_, stream, expected) => {
    const all = bytes(stream);
    const events = expected.map(([name, data]) => ({ name, data }));
    for (let cut = 0; cut <= all.length; cut += 1) {
      expect(read([all.slice(0, cut), all.slice(cut)]), `cut at ${cut}`).toEqual(events);
    }
    expect(read(Array.from(all, (byte) => Uint8Array.of(byte))), 'byte by byte').toEqual(events);
  });
});

test('a pause is digits only', () => {
  const parser = new SseParser();
  parser.push(bytes('retry: 1500\nretry: 2s\nretry:\n'));
  expect(parser.retryMs).toBe(1500);
  parser.push(bytes('retry: 86400000\n'));
  expect(parser.retryMs).toBe(60_000);
});

test('an event without end is refused', () => {
  const parser = new SseParser();
  const line = bytes(`data: ${'x'.repeat(65_536)}\n`);
  expect(() => {
    for (let count = 0; count < 20; count += 1) parser.push(line);
  }).toThrow(RangeError);
});
