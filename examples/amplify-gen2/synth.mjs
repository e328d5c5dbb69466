/** Writes the back end's templates to cdk.out, without AWS: `ampx` does the same before it deploys. */

process.env.CDK_OUTDIR ??= 'cdk.out';
process.env.CDK_CONTEXT_JSON ??= JSON.stringify({
  'amplify-backend-namespace': 'example',
  'amplify-backend-name': 'local',
  'amplify-backend-type': 'sandbox',
});
await import('./amplify/backend.ts');
process.emit('message', 'amplifySynth');
