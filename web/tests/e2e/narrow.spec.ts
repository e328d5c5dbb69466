/** The smallest screens. */

import { Chat, expect, test } from './support/fixtures';

const TABLE = [
  '| circumstances | responsibilities | consequences | recommendations |',
  '|---|---|---|---|',
  '| extraordinarily | straightforward | incomprehensible | notwithstanding |',
  '',
  '- [x] done',
  '- [ ] to do',
  '',
  'A paragraph with words.',
].join('\n');

for (const width of [320, 360]) {
  test.describe(`${width} px wide`, () => {
    test.use({ viewport: { width, height: 640 } });

    test('nothing sticks out, tables scroll, words stay whole', async ({
      page,
      site,
      stack,
      model,
    }) => {
      const chat = new Chat(page, site, stack);
      await chat.signIn();
      const overflow = (): Promise<number> =>
        page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(await overflow()).toBeLessThanOrEqual(0);
      model.answer('narrow', { tokens: [TABLE] });
      await chat.ask('narrow');
      await chat.over();
      expect(await overflow()).toBeLessThanOrEqual(0);
      const cells = await chat.text.locator('th, td').evaluateAll((all) =>
        all.map((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
          return `${cell.textContent}: ${lines.size}`;
        }),
      );
      expect(cells.filter((cell) => !cell.endsWith(': 1'))).toEqual([]);
      const scrolls = await chat.text.locator('table').evaluate((table) => {
        let element: Element | null = table;
        while (element && element.scrollWidth <= element.clientWidth)
          element = element.parentElement;
        return element?.closest('.markdown') !== null;
      });
      expect(scrolls).toBe(true);
      await page.getByRole('button', { name: 'Open the menu' }).click();
      await chat.openSettings();
      await expect(page.getByRole('dialog', { name: 'Settings' })).toBeInViewport({ ratio: 1 });
      expect(await overflow()).toBeLessThanOrEqual(0);
    });

    test('the playground’s answer is in sight', async ({ page, site, stack }) => {
      const chat = new Chat(page, site, stack);
      await chat.signIn();
      await page.goto(`${site}#/playground`);
      const editor = page.locator('.graphiql-query-editor');
      await expect(editor.locator('.view-line').first()).toBeVisible();
      await expect(page.locator('.graphiql-response')).toBeInViewport({ ratio: 0.95 });
      const box = await page.locator('.graphiql-response').boundingBox();
      expect(box?.width ?? 0).toBeGreaterThan(width * 0.7);
      expect(box?.height ?? 0).toBeGreaterThan(120);
      const query = await editor.boundingBox();
      expect(query?.height ?? 0).toBeGreaterThan(60);
      // Nothing covers either.
      for (const part of ['.graphiql-query-editor', '.graphiql-response']) {
        const seen = await page.locator(part).evaluate((element) => {
          const { left, top, width, height } = element.getBoundingClientRect();
          return [0.1, 0.5, 0.9].map((share) =>
            element.contains(document.elementFromPoint(left + width / 2, top + height * share)),
          );
        });
        expect(seen, part).toEqual([true, true, true]);
      }
      await page.screenshot({ path: `test-results/screenshots/playground-${width}.png` });
    });
  });
}
