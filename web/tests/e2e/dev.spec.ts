/** `npm run dev`: the pages from their sources, with hot reload. */

import { createServer } from 'vite';

import { Chat, expect, test } from './support/fixtures';

test('both pages work from their sources', async ({ page, stack, model }) => {
  const server = await createServer({
    server: {
      host: 'localhost',
      port: 0,
      proxy: { '/amplify_outputs.json': { target: stack.url } },
    },
    logLevel: 'error',
  });
  try {
    await server.listen();
    const [site = ''] = server.resolvedUrls?.local ?? [];
    model.answer('from sources', { tokens: ['It ', 'works.'] });
    const chat = new Chat(page, site, stack);
    await chat.signIn();
    await chat.ask('from sources');
    await chat.over();
    await expect(chat.text).toHaveText('It works.');
    await page.getByRole('link', { name: 'GraphQL playground' }).click();
    const editor = page.locator('.graphiql-query-editor .view-line').first();
    await expect(editor).toBeVisible();
    await page.goto('about:blank');
  } finally {
    await server.close();
  }
});
