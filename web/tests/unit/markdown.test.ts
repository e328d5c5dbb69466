/** A text that grows piece by piece ends up as the same blocks as the whole text, and each finished block stays. */

import { describe, expect, test } from 'vitest';

import { GrowingMarkdown, type Block } from '../../src/markdown/blocks';
import { isSafeDiagram, withSize } from '../../src/markdown/diagrams';
import { safeHref } from '../../src/markdown/links';
import { decodeEntities, wordsOf } from '../../src/markdown/text';
import { complete, withhold } from '../../src/markdown/unfinished';

function nested(count: number, indent: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${indent(index)}- item ${index}\n`).join('');
}

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
  mathematics: 'a\n\\[\nx\n\ny\n\\]\n\n$$\nz\n$$\nb',
  footnotes: 'a[^1]\n\n[^1]: one\n    two\n\n    three\n\nb',
  'long list': Array.from({ length: 100 }, (_, index) => `- item ${index}\n`).join(''),
  'long nested list': `- All:\n${nested(300, (index) => '  '.repeat(1 + (index % 3)))}- next\n\nafter`,
  'long numbered list within': `1. All:\n${nested(300, (index) => (index % 5 === 0 ? '   ' : '      '))}2. next\n`,
  'long list with code': `- a\n${Array.from({ length: 40 }, (_, index) => `  - b ${index}\n    \`\`\`\n    - no item\n  - none\n    \`\`\`\n\n`).join('')}`,
  'long table': `|a|b|\n|-|-|\n${'|1|2|\n'.repeat(100)}\nafter`,
  'long fence': `\`\`\`ts\n${'code\n\n'.repeat(100)}\`\`\`\nafter`,
  'long line': `${'some words '.repeat(2_000)}\n\nafter`,
  'long quotation': '> a line of some words\n'.repeat(2_000),
  windows: 'One\r\n\r\nTwo\r\n\r\n- a\r\n- b\r\n',
};

describe.each(Object.entries(TEXTS))('%s', (_name, text) => {
  test.each(text.length > 1_000 ? [97, 4_001] : [1, 2, 3, 7])('in pieces of %i', (size) => {
    const markdown = new GrowingMarkdown();
    let kept: readonly Block[] = [];
    for (let end = size; end < text.length; end += size) {
      const { finished } = markdown.update(text.slice(0, end), true);
      expect(finished.slice(0, kept.length)).toEqual(kept);
      for (const [index, block] of kept.entries()) expect(finished[index]).toBe(block);
      kept = finished;
    }
    expect(sources(markdown, text)).toEqual(sources(new GrowingMarkdown(), text));
  });
});

test('a text that starts again forgets the old one', () => {
  const markdown = new GrowingMarkdown();
  markdown.update('Old one.\n\nOld two.\n\nOld three.\n', true);
  const { finished, growing } = markdown.update('New.', true);
  expect([...finished, ...growing].map(({ source }) => source)).toEqual(['New.']);
});

test.each(['long nested list', 'long numbered list within', 'long list with code'] as const)(
  'a %s is cut into pieces',
  (name) => {
    const pieces = sources(new GrowingMarkdown(), TEXTS[name]);
    for (const source of pieces) expect(source.split('\n').length).toBeLessThanOrEqual(190);
    expect(pieces.length).toBeGreaterThan(1);
  },
);

test.each([
  ['long list', 30],
  ['long table', 30],
  ['long fence', 60],
] as const)('a %s is cut into pieces', (name, lines) => {
  for (const source of sources(new GrowingMarkdown(), TEXTS[name])) {
    expect(source.split('\n').length).toBeLessThanOrEqual(lines + 6);
  }
});

test.each(['long line', 'long quotation'] as const)('a %s is cut into pieces', (name) => {
  for (const source of sources(new GrowingMarkdown(), TEXTS[name])) {
    expect(source.length).toBeLessThanOrEqual(16_000);
  }
});

test('nothing of a long line is lost', () => {
  const text = TEXTS['long line'].split('\n', 1)[0] ?? '';
  expect(sources(new GrowingMarkdown(), text).join('')).toBe(text);
});

test.each([
  ['a **bol', 'a **bol**'],
  ['a **bold*', 'a **bold**'],
  ['a **bold** b', 'a **bold** b'],
  ['a **', 'a'],
  ['use `cod', 'use `cod`'],
  ['use `', 'use'],
  ['see [the docs](https://exam', 'see the docs'],
  ['see [the docs](https://example.com)', 'see [the docs](https://example.com)'],
  ['```\nlet a = **b', '```\nlet a = **b'],
  ['- 25~30 > 4', '- 25~30 > 4'],
  ['a <b', 'a <b'],
  ['a\n-', 'a\n'],
  ['| a | b |\n|--', ''],
  ['so \\(x', 'so'],
  ['so \\(x\\) is', 'so \\(x\\) is'],
])('%j is shown as %j', (text, shown) => {
  const [first] = new GrowingMarkdown().update(withhold(text), true).growing;
  expect(first ? complete(first).source : '').toBe(shown);
});

test.each([
  ['graph TD\n  A[Start] --> B{Is it?}', true],
  ['sequenceDiagram\n  A->>B: Hello', true],
  ['graph TD\n  A@{ img: "https://example.com/a.png" }', false],
  ['graph TD\n  A@{ icon: "x:y" }', false],
  ['%%{init: {"themeCSS": "x"}}%%\ngraph TD', false],
  ['---\nconfig:\n  securityLevel: loose\n---\ngraph TD', false],
  ['graph TD\n  style A fill:u\\72l(x)', false],
  ['graph TD\n  click A href "javascript:alert(1)"', false],
])('the diagram %j is drawn: %s', (source, safe) => {
  expect(isSafeDiagram(source)).toBe(safe);
});

test.each([
  [
    '<svg id="a" width="100%" viewBox="0 -4 217.5 414" style="max-width: 217.5px"><g width="1"/></svg>',
    '<svg width="217.5" height="414" id="a" viewBox="0 -4 217.5 414" style="max-width: 217.5px"><g width="1"/></svg>',
  ],
  ['<svg width="100%"><g/></svg>', '<svg width="100%"><g/></svg>'],
])('the drawing %j has its own size', (drawn, sized) => {
  expect(withSize(drawn)).toBe(sized);
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

test.each([
  ['A **bold** [link](https://example.com) and `code`.', 'A bold link and code.'],
  ['| a | b |\n|---|---|\n| 1 | 2 |', 'a, b. 1, 2'],
  ['- one\n- **two**', 'one. two'],
  ['```\ncode\n```', 'Code block.'],
  ['\\[\nx\n\\]', 'Formula.'],
])('of %j a screen reader is told %j', (text, words) => {
  const { growing } = new GrowingMarkdown().update(text, false);
  expect(growing.map(wordsOf).join(' ')).toBe(words);
});

function sources(markdown: GrowingMarkdown, text: string): string[] {
  const { finished, growing } = markdown.update(text, false);
  return [...finished, ...growing].map(({ source }) => source);
}
