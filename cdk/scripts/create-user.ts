/**
 * Makes a user in a deployment's pool, as an administrator, with a password that lasts.
 *
 * ```text
 * TOKENCAST_PASSWORD=… npm run user -- ada@example.com [--stack Tokencast-Streaming] [--outputs-file outputs.json]
 * ```
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  UsernameExistsException,
} from '@aws-sdk/client-cognito-identity-provider';

import { amplifyOutputs, type StackOutputs } from './amplify-outputs';

const USAGE = 'usage: TOKENCAST_PASSWORD=… npm run user -- EMAIL [--stack NAME] [--outputs-file FILE]';

/** Makes the user, or gives one that is there another password. */
export async function createUser(
  client: CognitoIdentityProviderClient,
  userPoolId: string,
  email: string,
  password: string,
): Promise<'created' | 'updated'> {
  let made: 'created' | 'updated' = 'created';
  try {
    await client.send(
      new AdminCreateUserCommand({
        UserPoolId: userPoolId,
        Username: email,
        UserAttributes: [
          { Name: 'email', Value: email },
          { Name: 'email_verified', Value: 'true' },
        ],
        MessageAction: 'SUPPRESS',
      }),
    );
  } catch (error) {
    if (!(error instanceof UsernameExistsException)) throw error;
    made = 'updated';
  }
  await client.send(
    new AdminSetUserPasswordCommand({
      UserPoolId: userPoolId,
      Username: email,
      Password: password,
      Permanent: true,
    }),
  );
  return made;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      stack: { type: 'string' },
      'outputs-file': { type: 'string', default: 'outputs.json' },
    },
  });
  const [email, ...others] = positionals;
  const password = process.env['TOKENCAST_PASSWORD'];
  if (email === undefined || others.length > 0 || !email.includes('@')) {
    throw new Error(`expected one e-mail address\n${USAGE}`);
  }
  if (password === undefined || password === '') {
    throw new Error(`\`TOKENCAST_PASSWORD\` is not set, expected the new user's password\n${USAGE}`);
  }
  const read = JSON.parse(readFileSync(values['outputs-file'], 'utf8')) as StackOutputs;
  const { auth } = amplifyOutputs(read, values.stack);
  const client = new CognitoIdentityProviderClient({ region: auth.aws_region });
  const made = await createUser(client, auth.user_pool_id, email, password);
  console.log(`${email}: ${made} in ${auth.user_pool_id}`);
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
