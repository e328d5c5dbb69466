/** The users, in a stack of their own: they outlive what they use. */
import { Arn, ArnFormat, CfnOutput, Stack, StackProps } from 'aws-cdk-lib';
import { IUserPool, UserPool } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';

import { Config } from '../config';
import { browserClient, Users } from '../users';

export interface AuthStackProps extends StackProps {
  readonly config: Config;
}

/** A user pool and its app client; or the app client alone, for a pool that is there already. */
export class AuthStack extends Stack {
  readonly userPool: IUserPool;
  readonly userPoolClientId: string;

  constructor(scope: Construct, id: string, { config, ...props }: AuthStackProps) {
    super(scope, id, props);
    const { poolId, ...users } = config.users;
    if (poolId === undefined) {
      const made = new Users(this, 'Users', { ...users, removalPolicy: config.removalPolicy });
      this.userPool = made.userPool;
      this.userPoolClientId = made.client.userPoolClientId;
    } else {
      this.userPool = existingPool(this, 'ExistingPool', poolId);
      this.userPoolClientId = browserClient(this, 'Client', this.userPool).userPoolClientId;
    }
    new CfnOutput(this, 'UserPoolId', { value: this.userPool.userPoolId });
    new CfnOutput(this, 'UserPoolClientId', { value: this.userPoolClientId });
  }
}

/** A pool by its id, whose first part is the pool's Region. */
export function existingPool(scope: Construct, id: string, poolId: string): IUserPool {
  const [region] = poolId.split('_');
  const resource = { service: 'cognito-idp', resource: 'userpool', resourceName: poolId };
  const format = { region, arnFormat: ArnFormat.SLASH_RESOURCE_NAME };
  return UserPool.fromUserPoolArn(scope, id, Arn.format({ ...resource, ...format }, Stack.of(scope)));
}
