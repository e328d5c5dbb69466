/** Where a paragraph that is too long to be parsed at once is cut. */

/** Longer paragraphs are cut. */
export const LONG_PARAGRAPH = 6_000;

/** How much of a long paragraph is its first piece; 0 if it isn't long. */
export function cutParagraph(text: string): number {
  if (text.length <= LONG_PARAGRAPH) return 0;
  return lastBalanced(text) || lastSpace(text) || beforeSurrogate(text);
}

/** The last beginning of a word where no mark is open. */
function lastBalanced(text: string): number {
  let at = 0;
  let round = 0;
  let square = 0;
  let ticks = 0;
  let stars = 0;
  let dollars = 0;
  for (let index = 0; index < LONG_PARAGRAPH; index += 1) {
    switch (text[index]) {
      case '(':
        round += 1;
        break;
      case ')':
        round = Math.max(0, round - 1);
        break;
      case '[':
        square += 1;
        break;
      case ']':
        square = Math.max(0, square - 1);
        break;
      case '`':
        ticks += 1;
        break;
      case '*':
      case '_':
      case '~':
        stars += 1;
        break;
      case '$':
        dollars += 1;
        break;
      case ' ':
      case '\n': {
        const closed = round === 0 && square === 0 && ticks % 2 === 0 && dollars % 2 === 0;
        if (closed && stars % 2 === 0 && startsWord(text, index + 1)) at = index + 1;
      }
    }
  }
  return at;
}

function lastSpace(text: string): number {
  for (let at = LONG_PARAGRAPH; at > 0; at -= 1) {
    if (text[at - 1] === ' ' && startsWord(text, at)) return at;
  }
  return 0;
}

function beforeSurrogate(text: string): number {
  return /[\udc00-\udfff]/.test(text[LONG_PARAGRAPH] ?? '') ? LONG_PARAGRAPH - 1 : LONG_PARAGRAPH;
}

/** A letter begins no list, heading or fence. */
function startsWord(text: string, at: number): boolean {
  return /\p{L}/u.test(text[at] ?? '');
}
