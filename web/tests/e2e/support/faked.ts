/** What a test has that scripts AppSync itself: signs in at a stack, and asks the fake from then on. */

import type { Page } from '@playwright/test';

import { startFakeApi, type FakeApi } from './fake_api';
import { Chat, expect, test as base } from './fixtures';

export { expect };

export const test = base.extend<{ fake: FakeApi }>({
  fake: async ({ context }, use) => {
    const fake = await startFakeApi();
    await context.route('**/amplify_outputs.json', async (route) => {
      const response = await route.fetch();
      const outputs = (await response.json()) as { data: object; custom: object };
      await route.fulfill({
        response,
        json: {
          ...outputs,
          data: { ...outputs.data, url: fake.graphqlUrl },
          custom: { ...outputs.custom, streamUrl: undefined, webSocketUrl: undefined },
        },
      });
    });
    await use(fake);
    await fake.close();
  },
  // The fake is there before the page is.
  chat: async ({ fake, page, site, stack }, use) => {
    expect(fake.graphqlUrl).toContain('/graphql');
    const chat = new Chat(page, site, stack);
    await chat.signIn();
    await use(chat);
  },
});

/** The `sub` of whom the page has signed in. */
export function ownerOf(page: Page): Promise<string> {
  return page.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.endsWith('.accessToken')) ?? '';
    const [, claims = ''] = (localStorage.getItem(key) ?? '').split('.');
    const json = atob(claims.replaceAll('-', '+').replaceAll('_', '/'));
    return (JSON.parse(json) as { sub: string }).sub;
  });
}
