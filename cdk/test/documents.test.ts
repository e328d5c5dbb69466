/** What the documents promise, against the app. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';

import { readConfig } from '../lib/config';
import { CDK_DIR, REPOSITORY_DIR } from '../lib/paths';
import { APP_QUOTAS } from '../lib/quotas';
import { NUMBER_SETTINGS } from '../lib/settings';
import { ASSISTANTS_FILE } from '../scripts/variants';
import { Deployment, resources, scratch } from './deployment';

const readme = readFileSync(join(CDK_DIR, 'README.md'), 'utf8');
const deploy = readFileSync(join(REPOSITORY_DIR, 'docs', 'DEPLOY.md'), 'utf8');

test('the tables of the context name every value, and no other', () => {
  const { node } = new App();
  const read = new Set<string>();
  const tryGetContext = node.tryGetContext.bind(node);
  node.tryGetContext = (name: string): unknown => {
    read.add(name);
    return name === 'modelId' ? 'amazon.nova-lite-v1:0' : tryGetContext(name);
  };
  readConfig(node);
  const section = readme.slice(readme.indexOf('## Context'), readme.indexOf('## In a stack of yours'));
  const named = [...section.matchAll(/^\| ((?:`\w+`(?:, or |, )?)+) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  assert.deepEqual(named.sort(), [...read].sort());
});

test('the table of settings has their variables, ranges and defaults', () => {
  for (const [name, { variable, minimum, maximum, default: byDefault }] of Object.entries(NUMBER_SETTINGS)) {
    const [, found, values, standard] =
      new RegExp(`^\\| \`${name}\` \\| \`(\\w+)\` \\| (.*) \\| (.*) \\|$`, 'm').exec(readme) ?? [];
    assert.equal(found, variable);
    assert.ok(values?.startsWith(`${minimum} to ${maximum}`), `${name}: ${values ?? ''}`);
    assert.equal(standard, String(byDefault), name);
  }
});

test('every alarm has a section that says what to do, and names it', () => {
  const assistants = join(scratch(), 'assistants.json');
  const general = { model: 'amazon.nova-lite-v1:0' };
  const prices = { [general.model]: { inputPerMillion: 0.06, outputPerMillion: 0.24 } };
  writeFileSync(assistants, JSON.stringify({ version: 1, default: 'general', assistants: { general }, prices }));
  const context = { deliveries: 'url,websocket', assistants, alarmDailyBudgetUsd: '25' };
  const template = new Deployment(context).template('Observability');
  const named = resources(template, 'AWS::CloudWatch::Alarm').map(
    ({ Properties: alarm }) => /DEPLOY\.md, (\w+)\.$/.exec(String(alarm['AlarmDescription']))?.[1],
  );
  const section = deploy.slice(deploy.indexOf('## When an alarm goes off'), deploy.indexOf('## Raising limits'));
  const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, heading]) => heading);
  assert.deepEqual(headings.sort(), named.sort());
});

test('the example of assistants is the one that every check looks at', () => {
  const document = readFileSync(join(REPOSITORY_DIR, 'docs', 'ASSISTANTS.md'), 'utf8');
  const [, example = ''] = /```json\n([^]*?)```/.exec(document) ?? [];
  assert.equal(example, readFileSync(ASSISTANTS_FILE, 'utf8'));
});

test('each test that the threat table names is there', () => {
  const security = readFileSync(join(REPOSITORY_DIR, 'docs', 'SECURITY.md'), 'utf8');
  const section = security.slice(security.indexOf('## Threats'), security.indexOf('## What is not protected against'));
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/^\| (who might|---)/.test(line));
  assert.ok(rows.length >= 20, String(rows.length));
  for (const row of rows) {
    const [, , , tests = ''] = row.split(' | ').length === 3 ? ['', ...row.split(' | ')] : [];
    const groups = [...tests.matchAll(/`([\w./-]+\.(?:rs|tsx?))`: ((?:`[^`]+`(?:, )?)+)/g)];
    assert.ok(groups.length > 0, row);
    for (const [, file = '', names = ''] of groups) {
      const source = readFileSync(join(REPOSITORY_DIR, file), 'utf8');
      for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) {
        const isThere = file.endsWith('.rs')
          ? new RegExp(`^\\s*(?:async )?fn ${name}\\(`, 'm').test(source)
          : ['test', 'it'].some((word) => new RegExp(`\\b${word}\\(\\s*['"\`]`).test(source)) && source.includes(name);
        assert.ok(isThere, `${file}: ${name}`);
      }
    }
  }
});

test('the bound of what a user can cost follows from the default quota', () => {
  const rows = [
    ...deploy.matchAll(
      /^\| ([\d,]+)(?: \(the app's default\))? \| \$([\d.]+) \| \$([\d.]+) \| \$([\d.]+) \| \$([\d.]+) \|$/gm,
    ),
  ];
  assert.deepEqual(
    rows.map(([, tokens = '']) => Number(tokens.replaceAll(',', ''))).includes(APP_QUOTAS.default?.tokensPerDay ?? 0),
    true,
  );
  for (const [, tokens = '', ...costs] of rows) {
    const expected = [0.24, 5, 15, 75].map((price) => ((Number(tokens.replaceAll(',', '')) * price) / 1e6).toFixed(2));
    assert.deepEqual(costs, expected);
  }
});

test('the cost table follows from its formula', () => {
  const perMillion = 1e-6;
  const tokens = 300;
  const seconds = tokens / 50;
  const cost = (flushSeconds: number): string[] => {
    const events = (flushSeconds === 0 ? tokens : Math.min(tokens, seconds / flushSeconds)) + 1;
    const parts = [
      events * 4 * perMillion,
      events * 2 * perMillion,
      (2 * 4 + (seconds / 60) * 0.08) * perMillion,
      ((seconds + 0.5) * 0.5 * 16.6667 + 4 * 0.2 + 3 * 0.02 * 0.25 * 16.6667) * perMillion,
      4 * 0.4 * perMillion,
      ((5 + seconds / 0.5) * 2 * 0.625 + 4 * 0.125) * perMillion,
    ].map((part) => part * 1000);
    const total = parts.reduce((sum, part) => sum + part, 0);
    return [String(events), ...parts.map((part) => `$${part.toFixed(3)}`), `$${total.toFixed(2)}`];
  };
  const section = deploy.slice(deploy.indexOf('| 1,000 answers |'), deploy.indexOf('So `-c flushIntervalMs=50`'));
  const rows = section.trim().split('\n').slice(2);
  const columns = [0, 1, 2].map((column) =>
    rows.map((row) => row.split('|')[column + 2]?.replaceAll('*', '').trim() ?? ''),
  );
  assert.deepEqual(columns, [cost(0), cost(0.05), cost(0.1)]);
});
