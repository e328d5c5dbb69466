/** What a page without an API says. */

import type { ReactNode } from 'react';

export function NoApi({ reason }: { reason: string }): ReactNode {
  return (
    <main className="notice">
      <h1>No API to talk to</h1>
      <p>
        This page looks for <code>amplify_outputs.json</code> beside itself: {reason}.
      </p>
      <p>
        <code>tokencast dev</code> serves it for the local stack. For a deployed API, put the file
        that the deployment writes beside <code>index.html</code>.
      </p>
    </main>
  );
}
