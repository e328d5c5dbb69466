/** The examples with CDK: synthesized without AWS, and started as what they would deploy. */

import { describe, expect, test } from 'vitest';

import { installCdkExample, templates, type Template } from './support/cdk.js';
import { run } from './support/run.js';
import { askArguments, signIn, startStack } from './support/stack.js';

describe('@tokencast/cdk', () => {
  test('an app of CDK is synthesized, and starts on this machine', async () => {
    const folder = await installCdkExample('cdk-app');
    await run(folder, 'npm', ['run', 'typecheck']);
    await run(folder, 'npm', ['run', 'synth']);
    const { 'Chat.template.json': template } = await templates(folder);
    expect(types(template)).toEqual(
      expect.arrayContaining(['AWS::AppSync::GraphQLApi', 'AWS::Cognito::UserPool']),
    );
    await answers(folder, 'cdk.out/Chat.template.json');
  });

  test('an Amplify back end has Tokencast beside what Amplify makes', async () => {
    const folder = await installCdkExample('amplify-gen2');
    await run(folder, 'npm', ['run', 'typecheck']);
    await run(folder, 'npm', ['run', 'synth']);
    const all = await templates(folder);
    const root = Object.keys(all).find((file) => !file.includes('.nested.')) ?? '';
    const ours = Object.keys(all).find((file) => file.includes('Tokencast')) ?? '';

    // The users are Amplify's; the API and the rest are ours.
    expect(types(all[ours])).toContain('AWS::AppSync::GraphQLApi');
    expect(types(all[ours])).not.toContain('AWS::Cognito::UserPool');
    const nested = nestedStacks(all[root]);
    expect(Object.keys(nested).sort()).toEqual(['Tokencast', 'auth', 'data']);
    expect(nested).toMatchObject({ auth: [], data: ['auth'], Tokencast: ['auth'] });

    // Amplify's outputs keep their names, and ours are in `custom`.
    const { customOutputs, ...amplifys } = all[root]?.Outputs ?? {};
    expect(Object.keys(amplifys)).toEqual(expect.arrayContaining(['userPoolId', 'webClientId']));
    expect(JSON.parse(withUrl(customOutputs?.Value))).toEqual({
      version: '1.4',
      custom: { tokencast: { graphql_url: 'https://api' } },
    });
    await answers(folder, `cdk.out/${ours}`);
  });
});

function types(template: Template | undefined): string[] {
  return Object.values(template?.Resources ?? {}).map((resource) => resource.Type);
}

/** @returns for each nested stack of a template, by its name in `backend.ts`, those that it refers to */
function nestedStacks(template: Template | undefined): Record<string, string[]> {
  const stacks = Object.entries(template?.Resources ?? {}).filter(
    ([, resource]) => resource.Type === 'AWS::CloudFormation::Stack',
  );
  const named = (id: string): string => id.replace(/[0-9A-F]{8}$/, '');
  return Object.fromEntries(
    stacks.map(([id, resource]) => {
      const said = JSON.stringify([resource.Properties?.Parameters, resource.DependsOn]);
      const others = stacks.map(([other]) => other).filter((other) => said.includes(`"${other}"`));
      return [named(id), others.map(named)];
    }),
  );
}

/** @returns an output that joins texts with the URL of an API, as CloudFormation would write it */
function withUrl(value: unknown): string {
  const { 'Fn::Join': join } = value as { 'Fn::Join': [string, unknown[]] };
  const [, parts] = join;
  return parts.map((part) => (typeof part === 'string' ? part : 'https://api')).join('');
}

/** The template starts, and a prompt is answered. */
async function answers(folder: string, template: string): Promise<void> {
  const stack = await startStack(folder, ['--template', template]);
  try {
    const answer = await run(folder, 'npx', askArguments(stack, await signIn(stack)));
    expect(answer).toContain('scripted');
  } finally {
    await stack.stop();
  }
}
