/** Which guardrails a worker may have applied, as IAM statements that name each of them. */
import { Arn, ArnFormat, Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/**
 * A statement that permits the guardrail of this id or ARN, in any of its versions, and nothing else. The schema of the
 * assistants' file has said that it is one.
 */
export function guardrailStatement(id: string): PolicyStatement {
  return new PolicyStatement({ actions: ['bedrock:ApplyGuardrail'], resources: [guardrailArn(id)] });
}

function guardrailArn(id: string): string {
  if (id.startsWith('arn:')) {
    return id;
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
