/**
 * The marks of citations within an answer's Markdown.
 *
 * A citation stands between two pieces of a text that may be one sentence. So the text stays one, with a mark at the
 * citation's place: brackets that Markdown takes for punctuation, around a character that is nobody's and the source's number.
 */

import type { Element, ElementContent, Root, RootContent } from 'hast';
import { createContext } from 'react';

/** Where an answer has something from. */
export interface Source {
  number: number;
  title: string;
  /** `null` if it is none that a page may open. */
  href: string | null;
  /** What the source says; may be empty. */
  quote: string;
}

export const SourcesContext = createContext<ReadonlyMap<number, Source>>(new Map());

const OPEN = '\u2e28\ue0f0';
const CLOSE = '\u2e29';
const MARK = /\u2e28\ue0f0(\d+)\u2e29/g;
const ENCODED_MARK = /%E2%B8%A8%EE%83%B0\d+%E2%B8%A9/gi;

/** Without what looks like a mark: of a text that a model wrote. */
export function withoutMarks(text: string): string {
  return text.includes(OPEN) ? text.replace(MARK, '') : text;
}

/** A line that is no longer the same with a mark at its end: a fence, a rule, a formula's end. */
const CLOSED_LINE = /^ {0,3}(?:`{3,}|~{3,}|\$\$|\\\]|(?:[-*_=][ \t]*){3,})[ \t]*$/;

/** Puts a source's mark behind the last word of `text`. */
export function withMark(text: string, number: number): string {
  const mark = `${OPEN}${number}${CLOSE}`;
  const end = text.trimEnd();
  const space = text.slice(end.length);
  const line = end.slice(end.lastIndexOf('\n') + 1);
  if (CLOSED_LINE.test(line)) return `${end}\n\n${mark}${space === '' ? '\n\n' : space}`;
  // Behind a table's last bar there is no cell.
  if (/^\s*\|.*\|$/.test(line)) return `${end.slice(0, -1).trimEnd()}${mark} |${space}`;
  return `${end}${mark}${space}`;
}

/** Turns the marks into elements: `a` with the property `dataCitation`. */
export function rehypeCitations() {
  return (tree: Root): void => {
    tree.children = marked(tree.children);
  };
}

function marked(children: readonly (ElementContent | RootContent)[]): ElementContent[] {
  return children.flatMap((child): ElementContent[] => {
    if (child.type === 'text') return split(child.value);
    if (child.type !== 'element') return child.type === 'comment' ? [child] : [];
    // No button within code or a link: the mark goes behind it.
    if (child.tagName === 'code' || child.tagName === 'a') {
      const found: Element[] = [];
      strip(child, found);
      return [child, ...found];
    }
    child.children = marked(child.children);
    return [child];
  });
}

function split(text: string): ElementContent[] {
  if (!text.includes(OPEN)) return [{ type: 'text', value: text }];
  // Every second part is what the group matched.
  return text.split(MARK).flatMap((part, index): ElementContent[] => {
    if (index % 2 === 1) return [element(part)];
    return part === '' ? [] : [{ type: 'text', value: part }];
  });
}

function strip(parent: Element, found: Element[]): void {
  const { href } = parent.properties;
  if (typeof href === 'string') parent.properties.href = href.replace(ENCODED_MARK, '');
  for (const child of parent.children) {
    if (child.type === 'element') strip(child, found);
    if (child.type !== 'text') continue;
    for (const [, number = ''] of child.value.matchAll(MARK)) found.push(element(number));
    child.value = withoutMarks(child.value);
  }
}

function element(number: string): Element {
  const mark: Element = {
    type: 'element',
    tagName: 'a',
    properties: { dataCitation: number },
    children: [],
  };
  return { type: 'element', tagName: 'sup', properties: {}, children: [mark] };
}
