/** The AppSync API. */
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AuthorizationType,
  CfnGraphQLApi,
  Definition,
  FieldLogLevel,
  GraphqlApi,
  IntrospectionConfig,
  UserPoolDefaultAction,
} from 'aws-cdk-lib/aws-appsync';
import { IUserPool } from 'aws-cdk-lib/aws-cognito';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';

import { SCHEMA_FILE } from './assets';
import { RoleProps, serviceRole } from './organization';

/**
 * The levels of the contract's deepest operation, and the fields of its largest with `__typename` in each object. A test
 * measures both in `schema.graphql`. AppSync counts resolvers, and only an operation's own field has one; whether it counts
 * other fields, too, is not documented.
 */
const QUERY_DEPTH_LIMIT = 7;
const RESOLVER_COUNT_LIMIT = 83;

/** The usual introspection query has fifteen. */
const QUERY_DEPTH_LIMIT_WITH_INTROSPECTION = 20;

export interface StreamApiProps extends RoleProps {
  readonly name: string;
  /** Who may sign in. */
  readonly userPool: IUserPool;
  /** The app clients whose tokens are taken, as a regular expression of their ids. @default - all of the pool */
  readonly userPoolClientPattern?: string;
  readonly introspection: boolean;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  /** A web ACL (of scope REGIONAL) in front of the API. @default - none */
  readonly webAclArn?: string;
}

/** Cognito by default, and IAM for the worker; errors logged, without what was asked or answered. */
export class StreamApi extends Construct {
  readonly api: GraphqlApi;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: StreamApiProps) {
    super(scope, id);
    this.api = new GraphqlApi(this, 'Api', {
      name: props.name,
      definition: Definition.fromFile(SCHEMA_FILE),
      authorizationConfig: {
        defaultAuthorization: {
          authorizationType: AuthorizationType.USER_POOL,
          userPoolConfig: {
            userPool: props.userPool,
            defaultAction: UserPoolDefaultAction.ALLOW,
            appIdClientRegex: props.userPoolClientPattern,
          },
        },
        additionalAuthorizationModes: [{ authorizationType: AuthorizationType.IAM }],
      },
      xrayEnabled: true,
      introspectionConfig: props.introspection ? IntrospectionConfig.ENABLED : IntrospectionConfig.DISABLED,
      queryDepthLimit: props.introspection ? QUERY_DEPTH_LIMIT_WITH_INTROSPECTION : QUERY_DEPTH_LIMIT,
      resolverCountLimit: RESOLVER_COUNT_LIMIT,
    });
    this.logGroup = this.log(props);
    if (props.webAclArn) {
      new CfnWebACLAssociation(this, 'WebAcl', { resourceArn: this.api.arn, webAclArn: props.webAclArn });
    }
  }

  /** Not through the construct's `logConfig`, which brings a custom resource and a role that may write to every log. */
  private log({ logRetention, removalPolicy, ...roles }: StreamApiProps): LogGroup {
    const logGroup = new LogGroup(this, 'Logs', {
      // AppSync's own choice of a name.
      logGroupName: `/aws/appsync/apis/${this.api.apiId}`,
      retention: logRetention,
      removalPolicy,
    });
    const role = serviceRole(this, 'LogRole', 'appsync.amazonaws.com', roles);
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    (this.api.node.defaultChild as CfnGraphQLApi).logConfig = {
      cloudWatchLogsRoleArn: role.roleArn,
      fieldLogLevel: FieldLogLevel.ERROR,
      excludeVerboseContent: true,
    };
    Validations.of(this.api).acknowledge({
      id: 'AwsSolutions-ASC3',
      reason:
        'Errors are logged; the verbose content that the rule asks for would put prompts and answers into the log.',
    });
    return logGroup;
  }
}
