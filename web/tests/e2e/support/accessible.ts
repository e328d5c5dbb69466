/** What axe finds in a page as it is now. */

import { createRequire } from 'node:module';

import { expect, type Page } from '@playwright/test';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** No serious finding, and no critical one, but in what is `foreign`: parts that this repository can't change. */
export async function expectAccessible(page: Page, foreign: string[] = []): Promise<void> {
  // Colours in the midst of a transition are nobody's.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((one) => !(one.effect?.getTiming().iterations === Infinity))
        .map((one) => one.finished),
    ),
  );
  await page.addScriptTag({ path: AXE });
  const findings = await page.evaluate(async (exclude) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run({ exclude });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }, foreign);
  expect(findings).toEqual([]);
}
