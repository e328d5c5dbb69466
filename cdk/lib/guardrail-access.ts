/** Which guardrails a worker may have applied, as IAM statements that name each of them. */
import { Arn, ArnFormat, Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** A statement that permits the guardrail of this id or ARN, in any of its versions, and nothing else. */
export function guardrailStatement(id: string): PolicyStatement {
  return new PolicyStatement({ actions: ['bedrock:ApplyGuardrail'], resources: [guardrailArn(id)] });
}

function guardrailArn(id: string): string {
  if (/^arn:[a-z-]+:bedrock:[a-z0-9-]+:\d{12}:guardrail\/[a-z0-9]+$/.test(id)) {
    return id;
  }
  if (!/^[a-z0-9]+$/.test(id)) {
    throw new Error(`\`${id}\` is not the id or ARN of a guardrail`);
  }
  return Arn.format({
    partition: Aws.PARTITION,
    service: 'bedrock',
    region: Aws.REGION,
    account: Aws.ACCOUNT_ID,
    resource: 'guardrail',
    resourceName: id,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
