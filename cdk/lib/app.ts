/** The whole deployment. */
import { App, AppProps, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { Config, readConfig } from './config';
import { AuthStack } from './stacks/auth-stack';
import { ObservabilityStack } from './stacks/observability-stack';
import { StreamingStack } from './stacks/streaming-stack';

export interface Tokencast {
  readonly app: App;
  /** Every stack; the one for the users only where there is something of theirs to make. */
  readonly stacks: readonly Stack[];
}

/** The stacks that the context asks for, checked against AwsSolutions' rules; what is set aside, and why, is in them. */
export function tokencast(props?: AppProps): Tokencast {
  const app = new App(props);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { writeSuppressionsToCloudFormation: true }));
  const config = readConfig(app.node);
  const { name } = config;
  const terminationProtection = config.removalPolicy === RemovalPolicy.RETAIN;
  const common = { config, terminationProtection };
  const auth = needsAuth(config)
    ? new AuthStack(app, 'Auth', {
        ...common,
        stackName: `${name}-Auth`,
        description: 'Tokencast: who may sign in.',
      })
    : undefined;
  const streaming = new StreamingStack(app, 'Streaming', {
    ...common,
    stackName: `${name}-Streaming`,
    description: 'Tokencast: everything between a prompt and its tokens.',
    userPool: auth?.userPool,
    userPoolClientId: auth?.userPoolClientId,
  });
  const observability = new ObservabilityStack(app, 'Observability', {
    ...common,
    stackName: `${name}-Observability`,
    description: 'Tokencast: dashboard and alarms.',
    stream: streaming.stream,
    url: streaming.url,
    webSocket: streaming.webSocket,
  });
  return { app, stacks: [...(auth ? [auth] : []), streaming, observability] };
}

/** An API of yours knows its users, and a pool of yours may have its app client. */
function needsAuth({ api, users }: Config): boolean {
  return users.poolId === undefined ? api === undefined : users.clientId === undefined;
}
