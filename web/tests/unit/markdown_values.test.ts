// @vitest-environment happy-dom
/** What readers see of an answer's Markdown: at each step while it grows, and after a reload. */

import { act, createElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import Rendered from '../../src/markdown/Rendered';
import { workersHere } from '../support/workers';

let page: HTMLElement;
let root: Root;

let noWorkers: () => void;
beforeAll(() => {
  noWorkers = workersHere(() => import('../../src/markdown/highlight_worker'));
});
afterAll(() => {
  noWorkers();
});

beforeEach(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  page = document.createElement('main');
  document.body.replaceChildren(page);
  root = createRoot(page);
});

afterEach(() => {
  act(() => {
    root.unmount();
  });
});

function show(text: string, growing: boolean): HTMLElement {
  act(() => {
    root.render(createElement(Rendered, { text, growing }));
  });
  return page;
}

/** Everything there is of a text, with what is loaded for it. */
async function whole(
  text: string,
  growing = false,
  until: (element: HTMLElement) => boolean = () => true,
) {
  show(text, growing);
  await expect
    .poll(
      async () => {
        await act(() => new Promise((done) => setTimeout(done, 5)));
        return until(page) && page.innerHTML === (await later());
      },
      { timeout: 60_000 },
    )
    .toBe(true);
  return page;
}

async function later(): Promise<string> {
  await act(() => new Promise((done) => setTimeout(done, 30)));
  return page.innerHTML;
}

const has = (selector: string) => (element: HTMLElement) =>
  element.querySelector(selector) !== null;

/** Formulas are set, and code has its colours. */
function isLoaded(element: HTMLElement): boolean {
  const pieces = [...element.querySelectorAll('pre[aria-label="Code in ts"]')];
  const coloured = pieces.every((code) => {
    const tokens = [...code.querySelectorAll('.token')].map(({ textContent }) => textContent);
    return tokens.join('').replace(/\s/g, '') === code.textContent.replace(/\s/g, '');
  });
  return coloured && !element.textContent.includes('…');
}

/** Elements with their attributes in one order; ids are each rendering's own. */
function outline(node: Node): string {
  if (!(node instanceof Element)) return node.textContent ?? '';
  const attributes = [...node.attributes]
    .filter(({ name }) => name !== 'id')
    .map(({ name, value }) => `${name}="${value}"`)
    .sort();
  const children = [...node.childNodes].map(outline).join('');
  return `<${[node.tagName, ...attributes].join(' ')}>${children}</>`;
}

const TEXTS = {
  reference: 'See [the guide][1].\n\nMore.\n\nAnd more.\n\n[1]: https://example.com/g\n',
  footnotes:
    'One[^b], two[^a].\n\n- three[^b]\n\n[^a]: The *first*.\n\n[^b]: The second,\n    with more.\n\nAfter.',
  mathematics:
    'So \\( a_{1} * b_{1} \\) and\n\n\\[\nx = y\n+ z\n\\]\n\n$$x\\,dx$$\n\n- in a list: \\(x\\)\n',
  chinese: '**注意：**正文\n\n~~旧：~~新',
  table:
    'Before:\n\n| a | b |\n|---|:-:|\n| one<br>two &le; &eacute; | **2** |\n| 3 | `4` |\n\nAfter',
  lists: '1. one\n   - two\n     - three\n\n       more\n2. four\n\n- [ ] to do\n- [x] done\n',
  items: 'Some items:\n- one\n- two\n\nTitle\n===\n',
  code: 'Before\n\n```ts\nconst a = `b`;\n\n# not a heading\n```\n\n    indented\n',
  html: '<div>\n<script>alert(1)</script>\n</div>\n\n<b>x</b> a < b',
  arabic: 'مرحبا **بك**\n\n- واحد\n- two\n\n| اسم | عدد |\n|---|---|\n| كتاب | 3 |\n',
  'a long list':
    Array.from({ length: 75 }, (_, index) => `${index + 1}. item[^1] ${index}\n`).join('') +
    '\n[^1]: note\n',
  'a long list in an item': `1. one\n2. two\n${Array.from({ length: 150 }, (_, index) => `   ${index + 1}. item ${index}\n`).join('')}3. three\n`,
  'a long table': `| a | b |\n|---|---|\n${Array.from({ length: 70 }, (_, index) => `| ${index} | *b* |\n`).join('')}\nAfter`,
  'a long fence': `\`\`\`\n${Array.from({ length: 130 }, (_, index) => `line ${index}\n`).join('')}\`\`\`\nAfter`,
  'a long line': `${'All **work** and [no](https://example.com/) `play` makes. '.repeat(300)}\n\nAfter`,
};

describe.each(Object.entries(TEXTS))('%s', (name, text) => {
  const sizes = name.startsWith('a long') ? [211] : [1, 7];
  test.each(sizes)('looks the same after a reload, had it come in pieces of %i', async (size) => {
    for (let end = size; end < text.length; end += size) show(text.slice(0, end), true);
    const streamed = outline(await whole(text, false, isLoaded));
    act(() => {
      root.unmount();
    });
    root = createRoot(page);
    expect(streamed).toBe(outline(await whole(text, false, isLoaded)));
  });
});

/** What is seen at each step. */
function* steps(text: string): Generator<HTMLElement> {
  for (let end = 1; end <= text.length; end += 1) yield show(text.slice(0, end), true);
}

test('a reference is a link, while the answer grows and after it', () => {
  const text = 'See [the guide][1].\n\nMore.\n\n[1]: https://example.com/g';
  for (const seen of steps(text)) expect(seen.textContent).not.toMatch(/\]\[|example\.com/);
  const link = () => page.querySelector('a[href="https://example.com/g"]');
  show(`${text}\n`, true);
  expect(link()?.textContent).toBe('the guide');
  show(text, false);
  expect(link()?.textContent).toBe('the guide');
});

test.each([
  ['\\( a_{1} * b_{1} \\)', 'a_{1} * b_{1}'],
  ['\\[ x^2 \\]', 'x^2'],
  ['\\[\nx\n- y\n\\]', 'x\n- y'],
  ['$$x\\,dx$$', 'x\\,dx'],
  ['- a \\(x\\) `\\(y\\)`', 'x'],
  ['1. a\n\n   \\[\n   x\n   \\]', 'x'],
])('%j is set as mathematics', async (text, formula) => {
  await whole(text, false, has('.katex'));
  const annotations = [...page.querySelectorAll('annotation')].map(({ textContent }) =>
    textContent.trim(),
  );
  expect(annotations).toEqual([formula]);
});

test('mathematics loads and links nothing', async () => {
  await whole(
    '$$\\href{https://example.com}{x} \\includegraphics{https://example.com/a.png}$$',
    false,
    has('.katex'),
  );
  expect(page.querySelector('a, img')).toBeNull();
});

test('a formula is no raw text before it is whole', () => {
  for (const seen of steps('So \\( a_{1} \\) is.\n\n\\[\nx\n= y\n\\]\n\nAfter $$x$$.')) {
    if (seen.querySelector('.katex')) continue;
    expect(seen.textContent).not.toMatch(/\\|a_/);
  }
});

test.each([
  ['**注意：**正文', 'strong', '注意：'],
  ['~~旧：~~新', 'del', '旧：'],
])('%j has its mark', async (text, selector, words) => {
  expect((await whole(text)).querySelector(selector)?.textContent).toBe(words);
});

test('a cell has line breaks and all character references', async () => {
  const cell = (await whole('| a |\n|---|\n| one<br>two &le; &eacute; |')).querySelector('td');
  expect(cell?.querySelector('br')).not.toBeNull();
  expect(cell?.textContent.replace(/\s+/g, ' ')).toBe('one two ≤ é');
});

test('code has colours', async () => {
  await whole('```ts\nconst a = "x";\n```', false, has('.token'));
  expect(page.querySelector('pre')?.textContent).toBe('const a = "x";');
  expect(page.querySelectorAll('.token').length).toBeGreaterThan(2);
});

test('footnotes are numbered as they are mentioned, and listed once', async () => {
  const text =
    'One[^b], two[^a], three[^b].\n\n- four[^a]\n\n[^a]: The *first*.\n\n[^b]: The second.\n';
  for (const seen of steps(text)) expect(seen.textContent).not.toContain('[^');
  await whole(text);
  const marks = [...page.querySelectorAll('sup')].map(({ textContent }) => textContent);
  expect(marks).toEqual(['1', '2', '1', '2']);
  const notes = [...page.querySelectorAll('.footnotes li p')].map(({ textContent }) => textContent);
  expect(notes).toEqual(['The second.', 'The first.']);
});

test('nested lists are nested', async () => {
  await whole('- a\n  - b\n    - c\n\n1. d\n   1. e\n');
  expect(page.querySelector('ul > li > ul > li > ul > li')?.textContent).toBe('c');
  expect(page.querySelector('ol > li > ol > li')?.textContent).toBe('e');
});

test('a list that is cut within an item goes on there, and counts on', async () => {
  const items = Array.from({ length: 150 }, (_, index) => `     - item ${index}\n`).join('');
  await whole(`- a\n\n  5. five\n${items}  6. six\n- b\n`);
  const outer = [...page.querySelectorAll('.markdown > ul > li')];
  expect(outer.map((item) => item.className)).toEqual(['', 'goes-on', 'goes-on', '']);
  const numbered = [...page.querySelectorAll('ol > li')];
  expect(numbered.map((item) => item.getAttribute('value'))).toEqual([null, '5', '5', null]);
  expect(numbered.map((item) => item.className)).toEqual(['', 'goes-on', 'goes-on', '']);
  expect(page.querySelectorAll('ol > li > ul > li')).toHaveLength(150);
  expect(numbered.at(-1)?.textContent.trim()).toBe('six');
});

test.each([
  'Some items:\n- one\n- two\n',
  'Some items:\n* one\n',
  'Sum:\n= 3\n',
  'Numbers:\n1. one\n',
])('%j never flashes as a heading', (text) => {
  for (const seen of steps(text)) {
    expect(seen.querySelector('h3, h4, h5, h6')).toBeNull();
    expect(seen.textContent).not.toMatch(/[-*]/);
  }
});

test.each([
  '| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n',
  'Before:\n\n| a | b |\n| :-- | --: |\n| 1 | 2 |\n',
  'Before:\n| a | b |\n|---|---|\n| 1 | 2 |\n\nAfter, and | no | table',
  'a | b\n--- | ---\n1 | 2\n',
])('the growing table %j never shows raw pipes', (text) => {
  const table = text.slice(0, text.indexOf('\n\nAfter') >>> 0);
  for (const seen of steps(table)) expect(seen.textContent).not.toMatch(/\||--/);
});

test.each(['a **bold** and `code` and *more*', '[a link](https://example.com/) and ~~no~~'])(
  'no mark of %j flashes',
  (text) => {
    for (const seen of steps(text)) expect(seen.textContent).not.toMatch(/[*`~]/);
  },
);

test.each([
  ['![alt](https://example.com/a.png)', 'a[href="https://example.com/a.png"]'],
  ['![alt](data:image/png;base64,AA)', '.dead-link'],
  ['[x](javascript:alert(1))', '.dead-link'],
  ['[x](/sign-out)', '.dead-link'],
  ['[x][1]\n\n[1]: javascript:alert(1)', '.dead-link'],
  ['<img src=x onerror=alert(1)>', 'p'],
  ['<a href="javascript:alert(1)">x</a>', 'p'],
  ['text <svg onload=alert(1)> text', 'p'],
  ['- <iframe src="https://example.com"></iframe>', 'li'],
  ['| <img src=x> |\n|---|\n| <b>x</b> |', 'td'],
  ['> <script>alert(1)</script>', 'blockquote'],
])('%j neither loads nor runs anything', (text, selector) => {
  for (const growing of [true, false]) {
    show(text, growing);
    expect(page.querySelector(selector)).not.toBeNull();
    expect(
      page.querySelector('img, script, iframe, svg, b, [onerror], [href^="javascript"]'),
    ).toBeNull();
  }
});

test('text runs the way of its letters; code from left to right', async () => {
  await whole(`${TEXTS.arabic}\n> قال\n\n\`\`\`\nمرحبا\n\`\`\`\n\nEnglish \`x\`\n\n- one\n`);
  const dirs = (selector: string) =>
    [...page.querySelectorAll(selector)].map((found) => found.getAttribute('dir'));
  expect(dirs('.markdown > p')).toEqual(['auto', 'auto']);
  expect(dirs('ul')).toEqual(['rtl', 'ltr']);
  expect(dirs('li')).toEqual(['auto', 'auto', 'auto']);
  expect(dirs('table')).toEqual(['rtl']);
  expect(dirs('th, td')).toEqual(['auto', 'auto', 'auto', 'auto']);
  expect(dirs('blockquote')).toEqual(['rtl']);
  expect(dirs('figure.code')).toEqual(['ltr']);
  expect(dirs('p > code')).toEqual(['ltr']);
});
