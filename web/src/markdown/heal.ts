/** Closes what is still open at the end of a growing text, so that `**bol` doesn't flash its asterisks. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

export function heal(text: string): string {
  if (insideFence(text)) return text;
  const paragraph = text.slice(text.lastIndexOf('\n\n') + 1);
  const code = openCode(paragraph);
  // An opening mark with nothing behind it yet is left out: closing it would make something else of it.
  if (code !== '') return paragraph.endsWith(code) ? text.slice(0, -code.length) : text + code;
  return healStrong(healLink(text), paragraph);
}

function insideFence(text: string): boolean {
  let open: string | null = null;
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line)?.[1];
    if (mark === undefined) continue;
    if (open === null) open = mark;
    else if (mark.startsWith(open) && line.trim() === mark) open = null;
  }
  return open !== null;
}

/** The run of backticks that opens a code span and isn't closed. */
function openCode(text: string): string {
  let open = '';
  for (const [run] of text.matchAll(/`+/g)) {
    if (open === '') open = run;
    else if (run === open) open = '';
  }
  return open;
}

/** `[text](https://exam` shows as its text until the address is whole. */
function healLink(text: string): string {
  return text.replace(/!?\[([^\]\n]*)\]\([^)\s]*$/, '$1');
}

function healStrong(text: string, paragraph: string): string {
  const outsideCode = paragraph.replace(/(`+)[^`]*\1/g, '');
  const marks = outsideCode.match(/\*\*/g)?.length ?? 0;
  if (marks % 2 === 0) return text;
  if (text.endsWith('**')) return text.slice(0, -2);
  // Half of the closing mark has arrived.
  return text.endsWith('*') ? `${text}*` : `${text.trimEnd()}**`;
}
