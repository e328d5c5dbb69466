/** Mermaid, loaded when the first diagram is whole. */

/** Longer ones take the page too long. */
const LONGEST = 20_000;

/**
 * Whether a diagram can name nothing outside of it. Mermaid loads images, icons and styles that a diagram names, while it draws;
 * and a diagram's own settings may undo ours.
 */
export function isSafeDiagram(source: string): boolean {
  return (
    source.length <= LONGEST &&
    !/\/\/|\\|url|import|\b(?:img|icon|src|href)\b|%%\s*\{|^\s*---/i.test(source)
  );
}

export async function drawDiagram(id: string, source: string): Promise<string> {
  const { default: mermaid } = await import('mermaid');
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    suppressErrorRendering: true,
    theme: 'neutral',
    htmlLabels: false,
    fontFamily: 'sans-serif',
  });
  const { svg } = await mermaid.render(id, source);
  return svg;
}
