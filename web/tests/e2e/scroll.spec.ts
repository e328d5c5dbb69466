/** A reader who stays at the end sees the end; one who has scrolled up reads on where they are. */

import type { Chat } from './support/fixtures';
import { expect, test } from './support/fixtures';

const LINES = Array.from({ length: 120 }, (_, index) => `Line ${index}.\n\n`);

function toEnd(chat: Chat): Promise<number> {
  return chat.page
    .locator('.scroll-pane')
    .evaluate(({ scrollTop, clientHeight, scrollHeight }) =>
      Math.round(scrollHeight - clientHeight - scrollTop),
    );
}

test('the end is followed, until the reader scrolls up', async ({ chat, model }) => {
  const { page } = chat;
  model.answer('follow', { tokens: LINES, holdAfter: 60 });
  await chat.ask('follow');
  await expect(chat.text).toContainText('Line 59.');
  await expect(chat.text.getByText('Line 59.')).toBeInViewport();
  await chat.text.hover();
  await page.mouse.wheel(0, -500);
  const button = page.getByRole('button', { name: 'Go to the end' });
  await expect(button).toBeVisible();
  const top = () => page.locator('.scroll-pane').evaluate(({ scrollTop }) => scrollTop);
  const readAt = await top();
  model.release('follow');
  await chat.over();
  await expect(chat.text).toContainText('Line 119.');
  expect(await top()).toBe(readAt);
  await button.click();
  await expect(chat.text.getByText('Line 119.')).toBeInViewport();
  await expect(button).toHaveCount(0);
});

test('what is drawn later pushes nothing out of sight', async ({ chat, model }) => {
  const { page } = chat;
  const diagram = '```mermaid\ngraph TD\n  A --> B\n  B --> C\n  C --> D\n```\n';
  const code = `\`\`\`ts\n${'const a = 1;\n'.repeat(40)}\`\`\`\n`;
  model.answer('later', { tokens: [...LINES.slice(0, 20), diagram, code, '\nThe end.'] });
  await chat.ask('later');
  await chat.over();
  await expect(chat.text.locator('.diagram')).toBeVisible();
  await expect(chat.text.getByText('The end.')).toBeInViewport();
  await expect.poll(() => toEnd(chat)).toBeLessThanOrEqual(1);
  await page.reload();
  await chat.over();
  await expect(chat.text.locator('.diagram')).toBeVisible();
  await expect(chat.text.getByText('The end.')).toBeInViewport();
  await expect.poll(() => toEnd(chat)).toBeLessThanOrEqual(1);
});
