import { TokenStream } from '@tokencast/cdk';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';

const app = new App({ outdir: process.env.CDK_OUTDIR ?? 'cdk.out' });
const stack = new Stack(app, 'Chat');

// Makes a user pool, an AppSync API, the functions, a queue and the tables.
const stream = new TokenStream(stack, 'Stream', { model: { id: 'amazon.nova-lite-v1:0' } });

new CfnOutput(stack, 'GraphqlUrl', { value: stream.graphqlUrl });
app.synth();
