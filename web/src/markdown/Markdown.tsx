/** An answer's Markdown, by a renderer that is loaded beside the page. */

import { lazy, Suspense, type ReactNode } from 'react';

const load = () => import('./Rendered');
const Rendered = lazy(load);

/** Once the page is there, so that the first answer doesn't wait for it. */
const preload = (): void => {
  load().catch(() => undefined);
};
// Safari has no idle callbacks.
if ('requestIdleCallback' in globalThis) requestIdleCallback(preload);
else setTimeout(preload, 500);

/** Of a long answer the beginning will do until then. */
const AT_ONCE = 3_000;

export function Markdown({ text, growing }: { text: string; growing: boolean }): ReactNode {
  return (
    <Suspense fallback={<div className="markdown plain">{text.slice(0, AT_ONCE)}</div>}>
      <Rendered text={text} growing={growing} />
    </Suspense>
  );
}
