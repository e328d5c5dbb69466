/** The table of WebSocket connections. */
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

import { KeptTableProps, keptTable } from './sessions-table';

/** The partition key: a text. */
export const CONNECTION_KEY = 'connectionId';

/** One item a connection, as long as API Gateway lets it live; encrypted and restorable as the sessions are. */
export class ConnectionsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: KeptTableProps) {
    super(scope, id);
    this.table = keptTable(this, 'Table', CONNECTION_KEY, props);
  }
}
