/** A text that grows piece by piece ends up as the same blocks as the whole text, and each finished block stays. */

import { Lexer } from 'marked';
import { describe, expect, test } from 'vitest';

import { GrowingMarkdown, type Block } from '../../src/markdown/blocks';
import { heal } from '../../src/markdown/heal';
import { safeHref } from '../../src/markdown/links';
import { decodeEntities, plainText } from '../../src/markdown/text';

const TEXTS = {
  paragraphs: 'One\ntwo.\n\nThree **four** five.\n\nSix',
  'loose list': '1. one\n\n2. two\n\n   more of two\n\n10. ten\n\nafter',
  'nested list': '- a\n  - b\n\n    c\n- d\n\ne',
  code: 'Before\n\n```ts\nconst a = `b`;\n\n# not a heading\n```\n\nafter',
  table: '| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | 4 |\n\nafter',
  setext: 'Title\n===\n\ntext\n---\nmore',
  html: '<div>\n<script>alert(1)</script>\n</div>\n\n<b>x</b> y',
  quote: '> a\n> b\nc\n\nd\n\n> e',
  definitions: '[a]\n\n[a]: https://example.com\n\n[a]',
  windows: 'One\r\n\r\nTwo\r\n\r\n- a\r\n- b\r\n',
};

describe.each(Object.entries(TEXTS))('%s', (_name, text) => {
  test.each([1, 2, 3, 7])('in pieces of %i', (size) => {
    const markdown = new GrowingMarkdown();
    let kept: readonly Block[] = [];
    for (let end = size; end < text.length; end += size) {
      const { finished } = markdown.update(text.slice(0, end), true);
      expect(finished.slice(0, kept.length)).toEqual(kept);
      for (const [index, block] of kept.entries()) expect(finished[index]).toBe(block);
      kept = finished;
    }
    const { finished, growing } = markdown.update(text, false);
    const sources = [...finished, ...growing].map(({ source }) => source);
    expect(sources).toEqual(whole(text));
  });
});

test('a text that starts again forgets the old one', () => {
  const markdown = new GrowingMarkdown();
  markdown.update('Old one.\n\nOld two.\n\nOld three.\n', true);
  const { finished, growing } = markdown.update('New.', true);
  expect([...finished, ...growing].map(({ source }) => source)).toEqual(['New.']);
});

test.each([
  ['a **bol', 'a **bol**'],
  ['a **bold*', 'a **bold**'],
  ['a **bold** b', 'a **bold** b'],
  ['a **', 'a '],
  ['use `cod', 'use `cod`'],
  ['use `', 'use '],
  ['use ``a ` b', 'use ``a ` b``'],
  ['see [the docs](https://exam', 'see the docs'],
  ['see [the docs](https://example.com)', 'see [the docs](https://example.com)'],
  ['```\nlet a = **b', '```\nlet a = **b'],
  ['**open\n\nnew paragraph', '**open\n\nnew paragraph'],
])('%j is shown as %j', (text, healed) => {
  expect(heal(text)).toBe(healed);
});

test.each([
  ['https://example.com/a?b=c', 'https://example.com/a?b=c'],
  ['mailto:a@example.com', 'mailto:a@example.com'],
  ['javascript:alert(1)', null],
  ['JaVaScRiPt:alert(1)', null],
  [' javascript:alert(1)', null],
  ['java\nscript:alert(1)', null],
  ['data:text/html,<script>alert(1)</script>', null],
  ['vbscript:x', null],
  ['blob:https://example.com/1', null],
  ['//example.com', null],
  ['/sign-out', null],
  ['#/s/1', null],
])('a link to %j becomes %j', (href, safe) => {
  expect(safeHref(href)).toBe(safe);
});

test('character references are shown as characters, not as markup', () => {
  expect(decodeEntities('a &lt;b&gt; &amp;amp; &#39;c&#x27; &unknown; &#0;')).toBe(
    "a <b> &amp; 'c' &unknown; &#0;",
  );
});

test('a screen reader is told the words', () => {
  const [first] = new Lexer().lex('A **bold** [link](https://example.com) and `code`.');
  expect(first && plainText(first)).toBe('A bold link and code.');
});

function whole(text: string): string[] {
  return new Lexer({ gfm: true })
    .lex(text)
    .filter(({ type }) => type !== 'space' && type !== 'def')
    .map(({ raw }) => raw);
}
