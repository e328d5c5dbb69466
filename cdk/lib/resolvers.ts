/** What answers each field of the contract. */
import { readFileSync } from 'node:fs';
import {
  Code,
  FunctionRuntime,
  IGraphqlApi,
  LambdaDataSource,
  NoneDataSource,
  Resolver,
  ResolverProps,
} from 'aws-cdk-lib/aws-appsync';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { PUBLISH_FILE, REQUEST_FUNCTION_FILE } from './assets';
import { RoleProps, serviceRole } from './organization';

/** The fields that the request function answers, as type and field. */
export const REQUEST_FIELDS = [
  ['Query', 'getStream'],
  ['Query', 'getStreamStatus'],
  ['Query', 'conversation'],
  ['Query', 'conversations'],
  ['Query', 'exportConversation'],
  ['Query', 'assistants'],
  ['Query', 'usage'],
  ['Mutation', 'startStream'],
  ['Mutation', 'stopStream'],
  ['Mutation', 'renameConversation'],
  ['Mutation', 'deleteConversation'],
  ['Subscription', 'onTokenReceived'],
  ['Subscription', 'onConversationUpdated'],
  ['Subscription', 'onConversationsUpdated'],
] as const;

/** The mutations that pass their arguments to the subscribers. Only the functions may call them. */
export const PUBLISH_FIELDS = ['publishToken', 'publishConversation'] as const;

export interface ResolversProps extends RoleProps {
  readonly api: IGraphqlApi;
  readonly request: IFunction;
}

/**
 * The request function, which is sent no more than it reads and whose refusals are raised as errors; and the mutations that
 * pass their arguments to the subscribers.
 */
export class Resolvers extends Construct {
  constructor(scope: Construct, id: string, { api, request, ...roles }: ResolversProps) {
    super(scope, id);
    const role = serviceRole(this, 'RequestRole', 'appsync.amazonaws.com', roles);
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [request.functionArn] }));
    const requests = new LambdaDataSource(this, 'Request', {
      api,
      name: 'TokencastRequest',
      lambdaFunction: request,
      // The construct would permit every version and alias of the function, too.
      serviceRole: role.withoutPolicyUpdates(),
    });
    for (const [typeName, fieldName] of REQUEST_FIELDS) {
      new Resolver(this, fieldName, { api, dataSource: requests, typeName, fieldName, ...code(REQUEST_FUNCTION_FILE) });
    }
    const dataSource = new NoneDataSource(this, 'Publish', { api, name: 'TokencastPublish' });
    for (const fieldName of PUBLISH_FIELDS) {
      new Resolver(this, fieldName, { api, dataSource, typeName: 'Mutation', fieldName, ...code(PUBLISH_FILE) });
    }
  }
}

function code(file: string): Pick<ResolverProps, 'runtime' | 'code'> {
  return { runtime: FunctionRuntime.JS_1_0_0, code: Code.fromInline(readFileSync(file, 'utf8')) };
}
