/**
 * Whether the page stays responsive while a large answer comes, a token each millisecond: its busiest task by its own processor
 * time, and how soon a click on Stop is seen. Printed, and asserted nowhere.
 */

import { expect, test } from '../e2e/support/fixtures';
import { busyBetween, mainThreadTasks, read, report } from './trace';

// Recording a trace is work that the page would be blamed for.
test.use({ trace: 'off' });

/** Not by roles, which Playwright finds by looking at each element: the page would be blamed for that, too. */
const WHOLE = '.answer[aria-busy="false"] .markdown:not(.growing, .plain)';
const TEXT = '.answer .markdown';

/** Marks in the page's timeline. */
const CLICKED = 'clicked';
const SEEN = 'seen';

const lines = (count: number, line: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => line(index));
const item = (index: number): string => `- item ${index} with **bold** and \`code\`\n`;

const ANSWERS: Record<string, string[]> = {
  'a list of 5,000 lines': lines(5_000, item),
  'a list of 5,000 lines, with a footnote and a definition': [
    'See [the guide][1] and the note.[^1]\n\n',
    ...lines(5_000, (index) => (index % 500 === 250 ? `- see [this][1] and[^1]\n` : item(index))),
    '\n[^1]: The note.\n\n[1]: https://example.com/\n',
  ],
  'a nested list of 5,000 lines': [
    '- All:\n',
    ...lines(5_000, (index) => `${'  '.repeat(1 + (index % 3))}${item(index)}`),
  ],
  'a table of 3,000 rows': [
    '| a | b | c |\n|---|---|---|\n',
    ...lines(3_000, (index) => `| ${index} | **bold** | \`code\` |\n`),
  ],
  'a line of 600 KB': lines(6_000, (index) => `word ${index} `.padEnd(100, 'and more of it ')),
  'a fence of 5,000 lines': [
    '```ts\n',
    ...lines(5_000, (index) => `const value${index} = compute("${index}"); // line\n`),
    '```\n',
  ],
  'a quotation of 5,000 lines': lines(5_000, (index) => `> line ${index}\n`),
};

for (const [name, tokens] of Object.entries(ANSWERS)) {
  test(name, async ({ chat, model, browser }) => {
    model.answer(name, { tokens, betweenMs: 1 });
    await browser.startTracing(chat.page, { categories: ['toplevel'] });
    await chat.ask(name);
    await expect(chat.page.locator(WHOLE)).toHaveCount(1);
    const streamed = busiest(read(await browser.stopTracing()));
    const seen = await chat.page.locator(TEXT).textContent();
    expect(seen?.length).toBeGreaterThan(tokens.length);

    await browser.startTracing(chat.page, { categories: ['toplevel'] });
    await chat.page.reload();
    await expect(chat.page.locator(WHOLE)).toHaveCount(1);
    const reloaded = busiest(read(await browser.stopTracing()));
    expect((await chat.page.locator(TEXT).textContent())?.length).toBe(seen?.length);

    const stopped = `${name}, stopped`;
    model.answer(stopped, { tokens, betweenMs: 1, holdAfter: tokens.length - 1 });
    await chat.page.getByRole('link', { name: 'New conversation' }).click();
    await chat.ask(stopped);
    await expect
      .poll(async () => (await chat.page.locator(TEXT).textContent())?.length)
      .toBeGreaterThan(10_000);
    await browser.startTracing(chat.page, { categories: ['toplevel', 'blink.user_timing'] });
    const seenAfter = await chat.page.evaluate(stopAndSee, [CLICKED, SEEN] as const);
    const [busy] = busyBetween(read(await browser.stopTracing()), CLICKED, SEEN);
    model.release(stopped);
    report(
      `${name}: busiest task ${streamed} while it comes, ${reloaded} after a reload; ` +
        `Stop seen after ${seenAfter.toFixed(0)} ms, ${(busy ?? Infinity).toFixed(0)} ms of them the page’s CPU`,
    );
  });
}

/** In the page: from a click on Stop until the answer is seen to have ended. */
function stopAndSee([clicked, seen]: readonly [string, string]): Promise<number> {
  const stop = document.querySelector<HTMLElement>('button[aria-label="Stop"]');
  const from = performance.mark(clicked).startTime;
  stop?.click();
  return new Promise<number>((resolve) => {
    const look = (): void => {
      const over = document.querySelector('article[aria-busy="false"]') !== null;
      if (over) resolve(performance.mark(seen).startTime - from);
      else requestAnimationFrame(look);
    };
    look();
  });
}

function busiest(trace: ReturnType<typeof read>): string {
  return `${Math.max(...mainThreadTasks(trace).map(({ tdur = 0 }) => tdur / 1_000)).toFixed(0)} ms`;
}
