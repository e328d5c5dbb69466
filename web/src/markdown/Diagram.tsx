/** A Mermaid diagram: drawn once its source is whole, as an image that can neither run nor load anything. */

import { useEffect, useId, useState, type ReactNode } from 'react';

import { CodeBlock } from './CodeBlock';
import { drawDiagram, isSafeDiagram } from './diagrams';

export function Diagram({ source }: { source: string }): ReactNode {
  const id = useId().replace(/[^\w-]/g, '');
  const [drawn, setDrawn] = useState<{ source: string; url: string } | null>(null);
  useEffect(() => {
    if (!isSafeDiagram(source)) return undefined;
    let url: string | null = null;
    let left = false;
    const draw = async (): Promise<void> => {
      const svg = await drawDiagram(`diagram-${id}`, source);
      if (left) return;
      url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
      setDrawn({ source, url });
    };
    // What isn't a diagram is shown as it was written.
    draw().catch(() => undefined);
    return () => {
      left = true;
      if (url !== null) URL.revokeObjectURL(url);
    };
  }, [id, source]);
  if (drawn?.source !== source) return <CodeBlock pieces={[source]} language="mermaid" />;
  return (
    <figure className="diagram">
      <img src={drawn.url} alt={`Diagram: ${source.trim().split('\n', 1)[0] ?? ''}`} />
      <details>
        <summary>Source of the diagram</summary>
        <CodeBlock pieces={[source]} language="mermaid" />
      </details>
    </figure>
  );
}
