/** Where no response may be without a body (`NOTHING_LEFT`), what isn't there to resume is a stream without chunks, not a 204. */

import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

import { MAJOR } from './support/build.js';
import { expect, openChat, test, using } from './support/fixtures.js';

const TEMPLATE = new URL('../../../cdk/templates/local.template.json', import.meta.url);

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];

interface Template {
  Resources: Record<
    string,
    { Type: string; Properties: { Environment?: { Variables: Record<string, unknown> } } }
  >;
}

for (const nothing of ['no-content', 'event-stream']) {
  test(`ai ${MAJOR} resumes what is over where nothing is ${nothing}`, async ({
    tabs,
    model,
    site,
  }, testInfo) => {
    const template = JSON.parse(await readFile(TEMPLATE, 'utf8')) as Template;
    for (const { Type, Properties } of Object.values(template.Resources)) {
      const variables = Properties.Environment?.Variables ?? {};
      if (Type === 'AWS::Lambda::Function' && 'NOTHING_LEFT' in variables) {
        variables.NOTHING_LEFT = nothing;
      }
    }
    const file = testInfo.outputPath('template.json');
    await writeFile(file, JSON.stringify(template));
    await using(model, ['--template', file], async (stack) => {
      const chat = await openChat({ tabs, stack, page: site, via: 'http', chatId: randomUUID() });
      const prompt = `Why do rivers meander? ${randomUUID()}`;
      model.answer(prompt, { tokens: TOKENS, betweenMs: 30 });
      // The response breaks off, and there is no way back before the answer is over.
      const functionurl = { service: 'functionurl', operation: 'Invoke' };
      await stack.control.faults([
        {
          ...functionurl,
          contains: prompt,
          when: { times: 1 },
          fault: { streamReset: { afterTokens: 2 } },
        },
        {
          ...functionurl,
          when: { times: 1 },
          fault: { delay: { ms: 3_000 } },
        },
      ]);
      await chat.send(prompt);
      await expect(chat.texts).toHaveText(TOKENS.join(''));
      await chat.is('ready');
      expect(await stack.control.fired()).toEqual([1, 1]);

      await chat.reload();
      await expect(chat.texts).toHaveText(TOKENS.join(''));
      await chat.is('ready');
      await expect(chat.answers).toHaveCount(1);
      await tabs.leave();
    });
  });
}
