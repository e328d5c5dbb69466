import { join } from 'node:path';

import { CDK_DIR } from '../lib/paths';

/** The example of docs/ASSISTANTS.md: two models, a guardrail, and prices. */
export const ASSISTANTS_FILE = join(CDK_DIR, 'scripts', 'assistants.json');

/** Deployments that differ in kind, by their context: the checks look at the templates of each. */
export const VARIANTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  default: {},
  // What a stack on a laptop is started from: see local-template.ts.
  local: {
    deliveries: 'url,websocket',
    // Playgrounds and code generators ask for the schema.
    introspection: 'true',
    // Pages come from any port of the machine; the local stack itself refuses those of other machines.
    allowedOrigins: '*',
    // A model on a laptop may take long.
    workerTimeoutSeconds: '900',
    urlTimeoutSeconds: '900',
    // Those of the local stack (crates/tokencast-cli/src/stack/local.rs), where every id of a model leads to the same one.
    userPoolId: 'us-east-1_Tokencast',
    userPoolClientId: 'tokencastlocalclient000000',
    modelId: 'tokencast.scripted-v1:0',
    // The table is there for `dev --quotas`, and nobody is limited without.
    quotas: '{}',
  },
  arm64: { architecture: 'arm64' },
  production: {
    stage: 'prod',
    name: 'Chat-Prod',
    mfa: 'required',
    threatProtection: 'true',
    alarmEmail: 'operations@example.com',
    modelId: 'eu.amazon.nova-lite-v1:0',
    otherModelIds: 'global.anthropic.claude-haiku-4-5-20251001-v1:0,amazon.nova-micro-v1:0',
    titleModelId: 'eu.amazon.nova-micro-v1:0',
    conversationTtlDays: '365',
    systemPrompt: 'Answer briefly.',
    temperature: '0.3',
    publishMode: 'token',
    workerTimeoutSeconds: '900',
    maxAttempts: '5',
    batchSize: '4',
    logRetentionDays: '365',
    logLevel: 'debug',
  },
  deliveries: { deliveries: 'url,websocket', allowedOrigins: 'https://chat.example.com' },
  deliveriesInProduction: {
    stage: 'prod',
    architecture: 'arm64',
    deliveries: 'url,websocket',
    apiGatewayLogRole: 'true',
    urlTimeoutSeconds: '900',
    urlReservedConcurrency: '50',
    modelId: 'eu.amazon.nova-lite-v1:0',
    systemPrompt: 'Answer briefly.',
    temperature: '0.3',
    userPoolId: 'eu-west-1_AbCdEfGhI',
    userPoolClientId: '1example23456789',
  },
  assistants: {
    deliveries: 'url,websocket',
    assistants: ASSISTANTS_FILE,
    quotas: JSON.stringify({
      default: { startsPerMinute: 20, startsPerDay: 200, tokensPerDay: 500_000, sessionsAtOnce: 4 },
      groups: { pro: { startsPerDay: 2000, tokensPerDay: 5_000_000, sessionsAtOnce: 10 } },
    }),
    alarmDailyBudgetUsd: '25',
  },
  organization: {
    deliveries: 'url,websocket',
    apiGatewayLogRole: 'true',
    permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/developers',
    rolePath: '/teams/chat/',
    subnetIds: 'subnet-0123456789abcdef0,subnet-0fedcba9876543210',
    securityGroupIds: 'sg-0123456789abcdef0',
    caBundleLayerArn: 'arn:aws:lambda:us-east-1:123456789012:layer:ca-bundle:3',
  },
  ownPool: { userPoolId: 'eu-west-1_AbCdEfGhI' },
  ownPoolAndClient: { userPoolId: 'us-east-1_AbCdEfGhI', userPoolClientId: '1example23456789' },
  ownTables: { sessionsTableName: 'sessions', conversationsTableName: 'conversations' },
  ownApi: {
    graphqlApiId: 'abcdefghijklmnopqrstuvwxyz',
    graphqlUrl: 'https://example.appsync-api.us-east-1.amazonaws.com/graphql',
  },
  guarded: {
    introspection: 'true',
    webAclArn: 'arn:aws:wafv2:us-east-1:123456789012:regional/webacl/chat/11111111-2222-3333-4444-555555555555',
    alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms',
    modelId: 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123',
    modelArns: 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0',
  },
};
