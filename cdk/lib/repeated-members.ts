/** Members that an object of a JSON text has more than once: `JSON.parse` keeps the last one without a word. */

/** A string, a mark, or any other value. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/gu;

interface Frame {
  readonly place: string;
  /** Of an object. */
  readonly names?: Set<string>;
  /** The member whose value comes next, or is being read. */
  name?: string;
}

/** Their places, each once. `text` is valid JSON. */
export function repeatedMembers(text: string): string[] {
  const found = new Set<string>();
  const frames: Frame[] = [];
  for (const [token] of text.matchAll(TOKENS)) {
    const top = frames.at(-1);
    if (token === '{') {
      frames.push({ place: placeIn(top), names: new Set() });
    } else if (token === '[') {
      frames.push({ place: placeIn(top) });
    } else if (token === '}' || token === ']') {
      frames.pop();
    } else if (token === ',' && top?.names) {
      top.name = undefined;
    } else if (token.startsWith('"') && top?.names && top.name === undefined) {
      top.name = JSON.parse(token) as string;
      if (top.names.has(top.name)) {
        found.add(placeIn(top));
      }
      top.names.add(top.name);
    }
  }
  return [...found];
}

function placeIn(frame: Frame | undefined): string {
  return [frame?.place, frame?.name].filter((part) => part !== undefined && part !== '').join('.');
}
