/**
 * Whether the page stays responsive with a conversation of 200 turns: its busiest task by its own processor time, while the
 * conversation is opened, and while another answer comes. Printed, and asserted nowhere.
 */

import { expect, ownerOf, test } from '../e2e/support/faked';
import { mainThreadTasks, read, report, type TraceEvent } from './trace';

// Recording a trace is work that the page would be blamed for.
test.use({ trace: 'off' });

const TURNS = 200;
const TOKENS = 1_000;

test('a conversation of 200 turns', async ({ chat, fake, browser }) => {
  const { page } = chat;
  const text = [
    '**An answer** with `code`, of some paragraphs.',
    'Many words follow each other in it. '.repeat(20),
    '- one\n- two\n- three',
    '```ts\nconst a = 1;\nconst b = 2;\n```',
    '| a | b |\n|---|---|\n| c | d |',
  ].join('\n\n');
  const turns = Array.from({ length: TURNS }, (_, at) => ({ prompt: `Question ${at};`, text }));
  const id = fake.conversations.add(await ownerOf(page), 'A long one', turns);

  await browser.startTracing(page, { categories: ['toplevel'] });
  await page.goto(`${page.url().replace(/#.*/, '')}#/c/${id}`);
  await expect(page.locator('.turn')).toHaveCount(TURNS);
  const opened = busiest(read(await browser.stopTracing()));

  const pieces = Array.from({ length: TOKENS }, (_, at) => ({ text: `word${at} ` }));
  fake.answer('one more', { pieces, betweenMs: 1 });
  await browser.startTracing(page, { categories: ['toplevel'] });
  await chat.ask('one more');
  await expect(page.locator('.turn')).toHaveCount(TURNS + 1);
  await expect(page.locator('.turn:last-child .answer[aria-busy="false"]')).toHaveCount(1);
  const asked = busiest(read(await browser.stopTracing()));
  await expect(chat.text).toContainText(`word${TOKENS - 1}`);
  report(`busiest task ${opened} while it opens, ${asked} while an answer comes`);
});

function busiest(trace: TraceEvent[]): string {
  return `${Math.max(...mainThreadTasks(trace).map(({ tdur = 0 }) => tdur / 1_000)).toFixed(0)} ms`;
}
