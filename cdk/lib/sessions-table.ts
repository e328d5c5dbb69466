/** The table of sessions. */
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

import { keptTable, KeptTableProps, textKey } from './kept-table';

export const SESSIONS_KEY = textKey('sessionId');

/** One item a session, and one more for each part of a long text. */
export class SessionsTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: KeptTableProps) {
    super(scope, id);
    this.table = keptTable(this, 'Table', SESSIONS_KEY, props);
  }
}
