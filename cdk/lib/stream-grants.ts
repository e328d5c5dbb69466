/** What a `TokenStream` lets others do. Each grant allows the calls that its name says, and no other. */
import { IGraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

import { ownerIndexArn } from './conversations-table';
import { guardrailStatement } from './guardrail-access';
import { JobQueue } from './job-queue';
import { ModelSpec, modelStatements } from './model-access';

export abstract class StreamGrants extends Construct {
  abstract readonly api: IGraphqlApi;
  abstract readonly sessionsTable: ITable;
  abstract readonly conversationsTable: ITable;
  abstract readonly quotasTable?: ITable;
  abstract readonly jobs: JobQueue;
  abstract readonly encryptionKey?: IKey;
  protected abstract readonly models: readonly ModelSpec[];
  protected abstract readonly guardrails: readonly string[];

  /** Lets `grantee` read and write any session by its id. */
  grantUseSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allowOn(this.sessionsTable, grantee, 'GetItem', 'BatchGetItem', 'PutItem');
  }

  /**
   * Lets `grantee` begin and end turns of any conversation, and tell its subscribers. A transaction needs the permissions of
   * the actions in it, and has none of its own.
   */
  grantUseConversations(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allowOn(this.conversationsTable, grantee, 'GetItem', 'Query', 'PutItem', 'UpdateItem').combine(
      this.grantPublishConversations(grantee),
    );
  }

  /** Lets `grantee` write the answers of sessions, with the turns before as the model's history. */
  grantAnswerSessions(grantee: IGrantable): Grant {
    return this.grantUseSessions(grantee)
      .combine(this.allowOn(this.sessionsTable, grantee, 'ConditionCheckItem'))
      .combine(this.grantUseConversations(grantee))
      .combine(this.grantReadConversations(grantee));
  }

  /** Lets `grantee` read any conversation by its id, with its prompts. Its answers are in the sessions. */
  grantReadConversations(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allowOn(this.conversationsTable, grantee, 'GetItem', 'BatchGetItem', 'Query');
  }

  /** Lets `grantee` list the conversations of any owner. */
  grantListConversations(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allow(grantee, ['dynamodb:Query'], ownerIndexArn(this.conversationsTable));
  }

  /**
   * Lets `grantee` start sessions under quotas: read what any owner has used, and count. It takes a transaction that starts or
   * ends a session, for which `grantUseSessions` is needed besides. Without quotas there is nothing to allow.
   */
  grantUseQuotas(grantee: IGrantable): Grant {
    return this.allowOnQuotas(grantee, 'BatchGetItem').combine(this.grantSettleQuotas(grantee));
  }

  /** Lets `grantee` count what a session has used, in the transaction that ends it or opens it again. */
  grantSettleQuotas(grantee: IGrantable): Grant {
    return this.allowOnQuotas(grantee, 'PutItem', 'UpdateItem');
  }

  /** Lets `grantee` run `tokencast quota`: read, change and reset what one user may do. */
  grantAdministerQuotas(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allowOnQuotas(grantee, 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem');
  }

  /** Lets `grantee` read any session by its id. */
  grantReadSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allowOn(this.sessionsTable, grantee, 'GetItem', 'BatchGetItem');
  }

  /** Lets `grantee` hand a job to the worker. */
  grantSendJobs(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allow(grantee, ['sqs:SendMessage'], this.jobs.queue.queueArn);
  }

  /** Lets `grantee` ask the models that may answer and have their guardrails applied, and no others. */
  grantAskModels(grantee: IGrantable): void {
    for (const statement of [...this.models.flatMap(modelStatements), ...this.guardrails.map(guardrailStatement)]) {
      grantee.grantPrincipal.addToPrincipalPolicy(statement);
    }
  }

  /** Lets `grantee` send events to the subscribers, as the worker does. Whoever may, may write in any session's name. */
  grantPublish(grantee: IGrantable): Grant {
    return this.allow(grantee, ['appsync:GraphQL'], this.mutationArn('publishToken'));
  }

  /** Lets `grantee` tell subscribers that a conversation has changed. Whoever may, may write in any owner's name. */
  grantPublishConversations(grantee: IGrantable): Grant {
    return this.allow(grantee, ['appsync:GraphQL'], this.mutationArn('publishConversation'));
  }

  /**
   * Lets `grantee` run `tokencast redrive`: put jobs from the dead-letter queue back, and open their sessions and turns again.
   * SQS's own redrive is left out, because it knows nothing of sessions: a failed one would stay failed.
   */
  grantRedrive(grantee: IGrantable): Grant {
    const { deadLetterQueue } = this.jobs;
    const take = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'];
    return this.allow(grantee, take, deadLetterQueue.queueArn)
      .combine(this.grantSendJobs(grantee))
      .combine(this.grantUseSessions(grantee))
      .combine(this.grantSettleQuotas(grantee))
      .combine(this.allowOn(this.conversationsTable, grantee, 'UpdateItem'));
  }

  /**
   * Lets `grantee` run `tokencast forget`: delete all conversations of a user, and what sessions outside of them hold. Only
   * a scan finds those, so `grantee` may read the whole table of sessions.
   */
  grantForget(grantee: IGrantable): Grant {
    return this.grantUseSessions(grantee)
      .combine(this.allowOn(this.sessionsTable, grantee, 'Scan', 'DeleteItem'))
      .combine(this.grantSettleQuotas(grantee))
      .combine(this.grantReadConversations(grantee))
      .combine(this.allowOn(this.conversationsTable, grantee, 'PutItem'))
      .combine(this.grantListConversations(grantee))
      .combine(this.grantSendJobs(grantee));
  }

  protected allow(grantee: IGrantable, actions: string[], ...resourceArns: string[]): Grant {
    return Grant.addToPrincipal({ grantee, actions, resourceArns });
  }

  protected allowOn(table: ITable, grantee: IGrantable, ...actions: string[]): Grant {
    const permitted = actions.map((action) => `dynamodb:${action}`);
    return this.allow(grantee, permitted, table.tableArn);
  }

  private allowOnQuotas(grantee: IGrantable, ...actions: string[]): Grant {
    return this.quotasTable
      ? this.allowOn(this.quotasTable, grantee, ...actions)
      : Grant.drop(grantee, 'there are no quotas');
  }

  private mutationArn(field: string): string {
    return `${this.api.arn}/types/Mutation/fields/${field}`;
  }
}
