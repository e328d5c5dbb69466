/** The committed template that the local stack is started from, against what is synthesized now. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { LOCAL_TEMPLATE_FILE, localTemplate } from '../scripts/local-template';

test('the committed template is what is synthesized', () => {
  const committed = readFileSync(LOCAL_TEMPLATE_FILE, 'utf8');
  assert.ok(committed === localTemplate(), `${LOCAL_TEMPLATE_FILE} is of other sources: run \`npm run templates\``);
});

test('the committed template has nothing of a machine or an account in it', () => {
  const committed = readFileSync(LOCAL_TEMPLATE_FILE, 'utf8');
  assert.doesNotMatch(committed, /[0-9a-f]{32}/, 'a hash');
  assert.doesNotMatch(committed, /\b\d{12}\b/, 'an account');
  assert.doesNotMatch(committed, /\/(home|Users|work|tmp|root)\b/, 'a path');
});
