/**
 * Turns the outputs of a deployment into `amplify_outputs.json`.
 *
 * ```text
 * cdk deploy --all --outputs-file outputs.json
 * npm run outputs -- [--stack Tokencast-Streaming] [--outputs-file outputs.json] [--out ../web/amplify_outputs.json]
 * ```
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** What `cdk deploy --outputs-file` writes: each stack's outputs by name. */
export type StackOutputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The part of Amplify's file (version 1.4) that an AppSync API with user pools needs; `custom` is ours by its rules. */
export interface AmplifyOutputs {
  readonly version: '1.4';
  readonly auth: {
    readonly aws_region: string;
    readonly user_pool_id: string;
    readonly user_pool_client_id: string;
  };
  readonly data: {
    readonly aws_region: string;
    readonly url: string;
    readonly default_authorization_type: 'AMAZON_COGNITO_USER_POOLS';
    readonly authorization_types: readonly 'AWS_IAM'[];
  };
  /** Where the other deliveries answer; not there where none was deployed. */
  readonly custom?: {
    readonly streamUrl?: string;
    readonly webSocketUrl?: string;
  };
}

/** Amplify's file for one stack; the only one that has an API, where none is named. */
export function amplifyOutputs(outputs: StackOutputs, stack?: string): AmplifyOutputs {
  const name = stack ?? onlyStack(outputs);
  const values = outputs[name];
  if (values === undefined) {
    throw new Error(`there is no stack \`${name}\` in the outputs, only ${names(Object.keys(outputs))}`);
  }
  const value = (output: string): string => {
    const found = values[output];
    if (!found) {
      throw new Error(`the stack \`${name}\` has no output \`${output}\`${hint(output)}`);
    }
    return found;
  };
  const userPoolId = value('UserPoolId');
  return {
    version: '1.4',
    auth: {
      // A pool may be in another Region than the API; its id begins with it.
      aws_region: userPoolId.split('_')[0] ?? '',
      user_pool_id: userPoolId,
      user_pool_client_id: value('UserPoolClientId'),
    },
    data: {
      aws_region: value('Region'),
      url: value('GraphqlUrl'),
      default_authorization_type: 'AMAZON_COGNITO_USER_POOLS',
      authorization_types: ['AWS_IAM'],
    },
    ...custom(values['StreamUrl'], values['WebSocketUrl']),
  };
}

function custom(streamUrl?: string, webSocketUrl?: string): Pick<AmplifyOutputs, 'custom'> {
  const urls = { ...(streamUrl && { streamUrl }), ...(webSocketUrl && { webSocketUrl }) };
  return Object.keys(urls).length > 0 ? { custom: urls } : {};
}

function onlyStack(outputs: StackOutputs): string {
  const found = Object.keys(outputs).filter((name) => outputs[name]?.['GraphqlUrl'] !== undefined);
  const [name, ...others] = found;
  if (name === undefined || others.length > 0) {
    throw new Error(
      `the outputs hold ${found.length} stacks with an API: name one of ${names(found)} with \`--stack\``,
    );
  }
  return name;
}

function names(stacks: string[]): string {
  return stacks.length > 0 ? stacks.map((name) => `\`${name}\``).join(', ') : 'nothing';
}

function hint(output: string): string {
  return output.startsWith('UserPool')
    ? ': an API of yours was deployed to; give its pool with `-c userPoolId=… -c userPoolClientId=…`'
    : '';
}

function main(): void {
  const { values } = parseArgs({
    options: {
      stack: { type: 'string' },
      'outputs-file': { type: 'string', default: 'outputs.json' },
      out: { type: 'string', default: 'amplify_outputs.json' },
    },
  });
  const read = JSON.parse(readFileSync(values['outputs-file'], 'utf8')) as StackOutputs;
  writeFileSync(values.out, `${JSON.stringify(amplifyOutputs(read, values.stack), null, 2)}\n`);
  console.log(`Wrote ${values.out}`);
}

if (require.main === module) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
