/** What lets API Gateway write logs at all: one role for an account and Region, whoever's APIs are in it. */
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

import { RoleProps, serviceRole } from './organization';

/**
 * Takes the place of the role that the account had, and stays when its stack goes, because others may rely on it by then.
 * API Gateway wants the rights of AWS's own policy, on every log.
 */
export class ApiGatewayLogRole extends Construct {
  constructor(scope: Construct, id: string, roles: RoleProps = {}) {
    super(scope, id);
    const role = serviceRole(this, 'Role', 'apigateway.amazonaws.com', roles);
    role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'));
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason: 'It is the role of the whole account: API Gateway refuses one that may write to less than every log.',
    });
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }
}
