/** What an answer's Markdown is parsed and changed by, on its way to elements. */

import { createCjkPlugin } from '@streamdown/cjk';
import type { Element, ElementContent, Root as HtmlRoot } from 'hast';
import type { Root } from 'mdast';
import remarkGfm from 'remark-gfm';
import type { BlockProps } from 'streamdown';
import { visit } from 'unist-util-visit';

import type { Kind } from './blocks';
import { rehypeCitations } from './citations';
import { directionOf } from './direction';

export type PluginList = NonNullable<BlockProps['remarkPlugins']>;
type Plugin = PluginList[number];

/** Mathematics, once it is loaded. */
export interface MathPlugins {
  remark: Plugin;
  rehype: Plugin;
}

/** While it is loading, formulas are left out. */
export type MathState = MathPlugins | 'none' | 'loading';

/** Which part of the parsed piece is shown: its container is around all pieces of a block. */
export type Part = Kind | 'head';

export interface Pipeline {
  remarkPlugins: PluginList;
  rehypePlugins: PluginList;
}

const pipelines = new Map<string, Pipeline>();

/** The same lists for the same part, so that what is rendered stays rendered. */
export function pipeline(part: Part, math: MathState, within: number): Pipeline {
  const plugins = typeof math === 'object' ? math : null;
  const name = `${part} ${plugins !== null} ${within}`;
  let found = pipelines.get(name);
  if (found === undefined) {
    const { remarkPluginsBefore, remarkPluginsAfter } = createCjkPlugin();
    found = {
      remarkPlugins: [
        ...remarkPluginsBefore,
        // One tilde is one: `20~25`.
        [remarkGfm, { singleTilde: false }],
        ...remarkPluginsAfter,
        ...(plugins ? [plugins.remark] : []),
        remarkHtmlAsText,
      ],
      rehypePlugins: [
        ...(plugins ? [plugins.rehype] : []),
        rehypeCitations,
        rehypeDirections,
        [rehypePart, { part, within }],
      ],
    };
    pipelines.set(name, found);
  }
  return found;
}

/** What looks like HTML is shown as text, other than a line break in a table's cell. */
function remarkHtmlAsText() {
  return (tree: Root): void => {
    visit(tree, 'html', (node, index, parent) => {
      if (!parent || index === undefined) return;
      const isPhrasing =
        parent.type === 'paragraph' ||
        parent.type === 'tableCell' ||
        parent.type === 'heading' ||
        parent.type === 'emphasis' ||
        parent.type === 'strong' ||
        parent.type === 'delete' ||
        parent.type === 'link';
      const text = { type: 'text', value: node.value } as const;
      if (/^<br\s*\/?>$/i.test(node.value)) parent.children[index] = { type: 'break' };
      else parent.children[index] = isPhrasing ? text : { type: 'paragraph', children: [text] };
    });
  };
}

const PROSE = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'li', 'th', 'td']);
const CONTAINERS = new Set(['ul', 'ol', 'table', 'blockquote']);

/** `dir` of each element whose text may run from right to left. */
function rehypeDirections() {
  return (tree: HtmlRoot): void => {
    directions(tree, false);
  };
}

function directions(parent: HtmlRoot | Element, within: boolean): void {
  for (const child of parent.children) {
    if (child.type !== 'element') continue;
    const { tagName, properties } = child;
    // A paragraph within an item is the item's own text: with a `dir` the item wouldn't see it.
    if (PROSE.has(tagName) && (!within || tagName === 'li')) properties.dir = 'auto';
    else if (CONTAINERS.has(tagName)) properties.dir = directionOf(textOf(child));
    else if (tagName === 'pre' || tagName === 'code') properties.dir = 'ltr';
    directions(child, (within && !CONTAINERS.has(tagName)) || properties.dir === 'auto');
  }
}

/** The words of an element, other than code. */
function textOf(node: Element | ElementContent): string {
  if (node.type === 'text') return node.value;
  if (node.type !== 'element' || node.tagName === 'code') return '';
  return node.children.map(textOf).join(' ');
}

/** Leaves the container of a piece out, and the footnotes, which are listed at the end of the answer. */
function rehypePart({ part, within }: { part: Part; within: number }) {
  return (tree: HtmlRoot): void => {
    if (part === 'list') goOn(elementsIn(tree).find(isList), within);
    tree.children = tree.children.flatMap((child): ElementContent[] => {
      if (child.type !== 'element' || child.properties.dataFootnotes !== undefined) return [];
      const { tagName } = child;
      if (part === 'list' && isList(child)) return elementsIn(child);
      if (tagName !== 'table') return [child];
      if (part === 'head') return sectionOf(child, 'thead');
      return part === 'table' ? sectionOf(child, 'tbody') : [child];
    });
  };
}

/** Marks the first item of a list, and `within - 1` first ones in it: they go on, and have their mark and number already. */
function goOn(list: Element | undefined, within: number): void {
  const item = list && elementsIn(list)[0];
  if (!item || within === 0) return;
  item.properties.className = ['goes-on'];
  // The next item has the next number.
  if (list.tagName === 'ol') item.properties.value = String(list.properties.start ?? 1);
  goOn(elementsIn(item).find(isList), within - 1);
}

function isList({ tagName }: Element): boolean {
  return tagName === 'ul' || tagName === 'ol';
}

function sectionOf(table: Element, section: 'thead' | 'tbody'): ElementContent[] {
  return elementsIn(table)
    .filter((child) => child.tagName === section)
    .flatMap(elementsIn);
}

function elementsIn(parent: Element | HtmlRoot): Element[] {
  return parent.children.flatMap((child) => (child.type === 'element' ? [child] : []));
}
