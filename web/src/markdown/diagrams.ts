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
  return withSize(svg);
}

/** As an image a drawing needs a size of its own: Mermaid's takes all the width there is. */
export function withSize(svg: string): string {
  return svg.replace(/^<svg[^>]*>/, (tag) => {
    const [, width, height] = /viewBox="\S+ \S+ ([\d.]+) ([\d.]+)"/.exec(tag) ?? [];
    if (width === undefined || height === undefined) return tag;
    return tag
      .replace(/ (?:width|height)="[^"]*"/g, '')
      .replace('<svg', `<svg width="${width}" height="${height}"`);
  });
}
