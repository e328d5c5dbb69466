/** An answer's Markdown in a real browser: what is drawn, what is loaded, and which way text runs. */

import { expect, test } from './support/fixtures';

const DIAGRAM = '```mermaid\ngraph TD\n  A[Start] --> B[End]\n```\n';

test('a diagram is drawn once it is whole', async ({ chat, model }) => {
  const tokens = ['Look:\n\n', DIAGRAM.slice(0, 40), DIAGRAM.slice(40), '\nAfter', ' it.'];
  model.answer('a diagram', { tokens, holdAfter: 2 });
  await chat.ask('a diagram');
  await expect(chat.text).toContainText('A[Start]');
  await expect(chat.text.locator('.diagram')).toHaveCount(0);
  model.release('a diagram');
  await chat.over();
  const drawn = chat.text.getByRole('img', { name: 'Diagram: graph TD' });
  await expect(drawn).toBeVisible();
  await expect
    .poll(() => drawn.evaluate((image: HTMLImageElement) => image.naturalWidth))
    .toBeGreaterThan(0);
});

test('nothing is loaded from elsewhere', async ({ chat, model }) => {
  const asked: string[] = [];
  chat.page.on('request', (request) => asked.push(request.url()));
  const text = [
    '![a](https://elsewhere.example/a.png) <img src="https://elsewhere.example/b.png">\n\n',
    '$$\\includegraphics{https://elsewhere.example/c.png}$$\n\n',
    '```mermaid\ngraph TD\n  A@{ img: "https://elsewhere.example/d.png" }\n```\n\nEnd.',
  ];
  model.answer('pictures', { tokens: text });
  await chat.ask('pictures');
  await chat.over();
  await expect(chat.text.locator('.katex')).toHaveCount(1);
  await expect(chat.text).toContainText('End.');
  expect(asked.filter((url) => url.includes('elsewhere.example'))).toEqual([]);
  await expect(chat.text.locator('img')).toHaveCount(0);
});

test('Arabic begins at the right, and code at the left', async ({ chat, model }) => {
  const text =
    'مرحبا بك\n\n- واحد\n- اثنان\n\n| اسم | عدد |\n|---|---|\n| كتاب | 3 |\n\n```ts\nconst a = 1;\n```\n';
  model.answer('in Arabic', { tokens: [text] });
  await chat.ask('in Arabic');
  await chat.over();
  await expect(chat.text.locator('.token').first()).toBeVisible();
  const sides = await chat.text.evaluate((answer) => {
    const box = (selector: string): DOMRect => {
      const range = document.createRange();
      const element = answer.querySelector(selector);
      if (!element) throw new Error(`no ${selector}`);
      range.selectNodeContents(element);
      return range.getBoundingClientRect();
    };
    const { left, right } = answer.getBoundingClientRect();
    const side = (selector: string): string => {
      const { left: from, right: to } = box(selector);
      return right - to < from - left ? 'right' : 'left';
    };
    const columns = box('th:first-child').left > box('th:last-child').left;
    return [side('p'), side('li'), columns ? 'right' : 'left', side('pre code')];
  });
  expect(sides).toEqual(['right', 'right', 'right', 'left']);
});

test('code gets its colours in a thread of its own', async ({ chat, model }) => {
  const code = Array.from({ length: 100 }, (_, index) => `const a${index} = "b"; // c\n`).join('');
  const worker = chat.page.waitForEvent('worker');
  model.answer('in colours', {
    tokens: [`\`\`\`ts\n/* from here\n`, `to here */\n${code}\`\`\`\n`],
  });
  await chat.ask('in colours');
  expect((await worker).url()).toContain('highlight_worker');
  await chat.over();
  // The last piece, too, and a comment that began in the line before.
  await expect(chat.text.locator('.token', { hasText: 'a99' }).last()).toBeVisible();
  const colour = (text: string) =>
    chat.text
      .locator('.token', { hasText: text })
      .first()
      .evaluate((token) => getComputedStyle(token).color);
  expect(await colour('to here')).toBe(await colour('// c'));
  expect(await colour('const')).not.toBe(await colour('// c'));
});
