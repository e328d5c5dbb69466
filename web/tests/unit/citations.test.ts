/** Citations' marks, wherever in a text they come. */

import { describe, expect, test } from 'vitest';

import type { Block } from '@tokencast/client';
import { contentOf } from '../../src/content/parts';
import { rehypeCitations, withMark, withoutMarks } from '../../src/markdown/citations';
import type { Element, Root } from 'hast';

const mark = withMark('', 1);

describe('a mark stands behind the last word', () => {
  test.each([
    ['Rivers meander', `Rivers meander${mark}`],
    ['Rivers meander. ', `Rivers meander.${mark} `],
    ['A paragraph.\n\n', `A paragraph.${mark}\n\n`],
    ['- an item\n', `- an item${mark}\n`],
    ['| a | b |\n|---|---|\n| c | d |\n', `| a | b |\n|---|---|\n| c | d${mark} |\n`],
    ['# A heading\n', `# A heading${mark}\n`],
    ['```js\nlet a;\n```', `\`\`\`js\nlet a;\n\`\`\`\n\n${mark}\n\n`],
    ['above\n\n---\n', `above\n\n---\n\n${mark}\n`],
    ['$$\nx\n$$\n\n', `$$\nx\n$$\n\n${mark}\n\n`],
  ])('%j', (text, marked) => {
    expect(withMark(text, 1)).toBe(marked);
    expect(withoutMarks(marked).trim().replace(/\n+/g, '\n')).toBe(
      text.trim().replace(/\n+/g, '\n'),
    );
  });
});

const text = (index: number, text: string): Block => ({ index, type: 'TEXT', text });
const cite = (index: number, url: string, title = 'T'): Block => ({
  index,
  type: 'CITATION',
  citation: { url, title, text: 'It says so.' },
});

describe('an answer’s blocks', () => {
  test('a text goes on behind a citation, and the same source has the same number', () => {
    const { parts, sources } = contentOf([
      text(0, 'One'),
      cite(1, 'https://a.example/'),
      text(2, ' two'),
      cite(3, 'https://b.example/'),
      text(4, ' three'),
      cite(5, 'https://a.example/'),
    ]);
    const whole = `One${mark} two${withMark('', 2)} three${mark}`;
    expect(parts).toEqual([{ kind: 'text', index: 0, text: whole }]);
    expect(sources.map(({ number, href }) => [number, href])).toEqual([
      [1, 'https://a.example/'],
      [2, 'https://b.example/'],
    ]);
  });

  test.each(['http://a.example/', 'javascript:alert(1)', 'data:text/html,x', '/here', ''])(
    '%j is no address to open',
    (url) => {
      const { sources } = contentOf([cite(0, url)]);
      expect(sources).toEqual([{ number: 1, title: 'T', href: null, quote: 'It says so.' }]);
    },
  );

  test('a source without a title is called by its site', () => {
    const [source] = contentOf([cite(0, 'https://a.example/b', ' ')]).sources;
    expect(source?.title).toBe('a.example');
    expect(contentOf([cite(0, '', '')]).sources[0]?.title).toBe('Source 1');
  });

  test('what a model writes is never a mark', () => {
    const { parts } = contentOf([text(0, `a${mark}b`)]);
    expect(parts).toEqual([{ kind: 'text', index: 0, text: 'ab' }]);
  });

  test('reasoning stands apart, also without its text; blanks are nothing', () => {
    const { parts } = contentOf([
      { index: 0, type: 'REASONING', reasoning: 'Hm.' },
      { index: 1, type: 'REASONING', reasoning: '' },
      text(2, 'Yes'),
      { index: 3, type: 'REASONING', reasoning: '' },
      text(4, ' \n'),
    ]);
    expect(parts).toEqual([
      { kind: 'reasoning', index: 0, text: 'Hm.' },
      { kind: 'text', index: 2, text: 'Yes' },
      { kind: 'reasoning', index: 3, text: '' },
    ]);
  });

  test('a tool has its result', () => {
    const { parts } = contentOf([
      { index: 0, type: 'TOOL_USE', toolUse: { toolUseId: 'u', name: 'search', input: '{}' } },
      { index: 1, type: 'TOOL_RESULT', toolResult: { toolUseId: 'u', content: 'none' } },
    ]);
    const result = { content: 'none', isError: false };
    expect(parts).toEqual([{ kind: 'tool', index: 0, name: 'search', input: '{}', result }]);
  });
});

describe('a mark becomes an element', () => {
  const html = (tagName: string, children: Element['children'], properties = {}): Element => ({
    type: 'element',
    tagName,
    properties,
    children,
  });
  const sup = html('sup', [html('a', [], { dataCitation: '1' })]);
  const run = (...children: Root['children']): Root['children'] => {
    const tree: Root = { type: 'root', children };
    rehypeCitations()(tree);
    return tree.children;
  };

  test('within a text', () => {
    const words = { type: 'text', value: `a${mark}b` } as const;
    const [p] = run(html('p', [words]));
    const expected = [{ type: 'text', value: 'a' }, sup, { type: 'text', value: 'b' }];
    expect((p as Element).children).toEqual(expected);
  });

  test('behind code and links, which have none within', () => {
    const href = `https://a.example/${encodeURIComponent(mark)}`;
    const words = { type: 'text', value: `x${mark}` } as const;
    const plain = { type: 'text', value: 'x' };
    expect(run(html('code', [words]))).toEqual([html('code', [plain as never]), sup]);
    const [link, behind] = run(html('a', [{ ...words, value: `x${mark}` }], { href }));
    expect(link).toEqual(html('a', [plain as never], { href: 'https://a.example/' }));
    expect(behind).toEqual(sup);
  });
});
