/** The table of WebSocket connections. */
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

import { keptTable, KeptTableProps, textKey } from './kept-table';

/** One item a connection, as long as API Gateway lets it live; encrypted and restorable as the sessions are. */
export class ConnectionsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: KeptTableProps) {
    super(scope, id);
    this.table = keptTable(this, 'Table', textKey('connectionId'), props);
  }
}
