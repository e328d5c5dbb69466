/**
 * Where a long list is cut: between two items of one list, which may itself be within an item.
 *
 * The rest of a list that was cut within an item begins with a head: the marks of the items that it is within, without a word of
 * theirs. So a lexer finds the rest at its own depth.
 */

/** A piece has so many items, unless that would cut within an item; then it has twice as many. */
const ITEMS = 30;
/** A piece has some more characters than this at most, where a list can be cut at all. */
const CHARACTERS = 4_000;

export interface ListCut {
  /** How much of the list the first piece is, with its own head. */
  length: number;
  /** Of the rest. */
  head: string;
}

/** An item that goes on at a line. */
interface Item {
  /** The column of its mark. */
  column: number;
  /** The column of its content. */
  content: number;
  /** `-`, `*` or `+`; of a number what is behind it. */
  mark: string;
  number: number | null;
}

/** `null`: the list isn't long, or can't be cut. It begins with `head`. */
export function cutList(list: string, head: string): ListCut | null {
  const lines = new Lines();
  let at = 0;
  for (const line of list.split('\n')) {
    const end = at + line.length + 1;
    const place = lines.next(withoutTabs(line));
    const size = at - head.length;
    // The last line may still become something else.
    if (place !== null && size > 0 && end <= list.length) {
      const enough = place.within.length === 0 ? ITEMS : 2 * ITEMS;
      if (place.before >= enough || size >= CHARACTERS) {
        const next = headOf(place);
        if (next !== null) return { length: at, head: next };
      }
    }
    at = end;
  }
  return null;
}

/** How many items the rest of a list is within. */
export function depthOf(head: string): number {
  return head.match(/\S+/g)?.length ?? 0;
}

/** Where a list may be cut: before an item that follows another one of its list. */
interface Place {
  /** The items that this one is within, from the outermost. */
  within: readonly Item[];
  item: Item;
  /** So many items came before, at any depth. */
  before: number;
}

function headOf({ within, item }: Place): string | null {
  let head = '';
  for (const { column, mark, number } of within) {
    // Further apart, and the next mark would be code.
    if (head !== '' && (column <= head.length || column > head.length + 4)) return null;
    head = `${head.padEnd(column)}${number ?? ''}${mark}`;
  }
  if (head === '') return '';
  const indent = item.column - head.length - 1;
  return indent < 0 || indent > 3 ? null : `${head}\n`;
}

/** Follows a list line by line. */
class Lines {
  #open: readonly Item[] = [];
  #fence: { mark: string; content: number } | null = null;
  #items = 0;
  /** The line before is text that this one may belong to. */
  #inParagraph = false;

  /** The place before this line, if the list may be cut there. */
  next(line: string): Place | null {
    const indent = line.search(/\S/);
    if (indent < 0) {
      this.#inParagraph = false;
      return null;
    }
    return this.#isInFence(line, indent) ? null : this.#text(line, indent);
  }

  #isInFence(line: string, indent: number): boolean {
    if (this.#fence === null) return false;
    const { mark, content } = this.#fence;
    // An item that is over ends its fences, too.
    const isLeft = indent < content;
    if (isLeft || isClosing(line, mark)) this.#fence = null;
    return !isLeft;
  }

  #text(line: string, indent: number): Place | null {
    const kept = this.#open.findIndex(({ content }) => content > indent);
    const within = kept < 0 ? this.#open : this.#open.slice(0, kept);
    const sibling = kept < 0 ? undefined : this.#open[kept];
    const content = within.at(-1)?.content ?? 0;
    const isCode = indent - content > 3;
    const found = isCode || isRule(line) ? [] : itemsAt(line, indent);
    const [item] = found;
    if (!item || !this.#begins(item, sibling)) {
      if (!this.#inParagraph) this.#open = within;
      this.#inParagraph = isCode ? this.#inParagraph : !this.#openFence(line.trim(), content);
      return null;
    }
    const before = this.#items;
    const isSibling = sibling?.mark === item.mark;
    if (isSibling && sibling.number !== null) item.number = sibling.number + 1;
    this.#open = [...within, ...found];
    const last = found.at(-1) ?? item;
    const text = line.slice(last.content).trim();
    if (text !== '') this.#items += 1;
    this.#inParagraph = text !== '' && !this.#openFence(text, last.content);
    return isSibling && text !== '' ? { within, item, before } : null;
  }

  /** A number in the midst of a paragraph begins no list, unless it is 1. */
  #begins({ number, mark }: Item, sibling: Item | undefined): boolean {
    return number === null || number === 1 || !this.#inParagraph || sibling?.mark === mark;
  }

  /** Whether the text opens a fence. */
  #openFence(text: string, content: number): boolean {
    const mark = /^(`{3,}(?=[^`]*$)|~{3,})/.exec(text)?.[1];
    if (mark !== undefined) this.#fence = { mark, content };
    return mark !== undefined;
  }
}

/** As Markdown reads them: a tab reaches to the next column of four. */
function withoutTabs(line: string): string {
  return line
    .split('\t')
    .reduce((text, part) => text.padEnd(4 * (Math.floor(text.length / 4) + 1)) + part);
}

/** The items that begin at a line: `- 1. text` has two. */
function itemsAt(line: string, indent: number): Item[] {
  const items: Item[] = [];
  let column = indent;
  for (;;) {
    const [all, bullet, number, delimiter] =
      /^(?:([-*+])|(\d{1,9})([.)]))(?= |$)/.exec(line.slice(column)) ?? [];
    if (all === undefined) return items;
    const behind = column + all.length;
    const spaces = line.slice(behind).search(/\S/);
    const isAlone = spaces < 0 || spaces > 4;
    items.push({
      column,
      content: behind + (isAlone ? 1 : spaces),
      mark: bullet ?? delimiter ?? '',
      number: number === undefined ? null : Number(number),
    });
    if (isAlone) return items;
    column = behind + spaces;
  }
}

function isClosing(line: string, mark: string): boolean {
  const text = line.trim();
  return text.startsWith(mark) && text.replaceAll(mark.charAt(0), '') === '';
}

/** A rule across the page. */
function isRule(line: string): boolean {
  return /^\s*([-*_])(?:[ ]*\1){2,}\s*$/.test(line);
}
