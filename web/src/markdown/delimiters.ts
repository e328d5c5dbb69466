/** `\( … \)` and `\[ … \]`, as models write mathematics, as the `$$ … $$` that remark-math knows. */

const CODE_OR_MATH =
  /^ {0,3}(`{3,}|~{3,})[\s\S]*?(?:\n {0,3}\1|$(?![\s\S]))|(`+)(?!`)[\s\S]*?[^`]\2(?!`)|\\\\|\\\(((?:(?!\n[ \t]*\n|\\\))[\s\S])+)\\\)|\\\[((?:(?!\n[ \t]*\n|\\\])[\s\S])+)\\\]/gm;

export function withDollars(source: string): string {
  if (!/\\[([]/.test(source)) return source;
  return source.replace(
    CODE_OR_MATH,
    (
      whole: string,
      _fence: string | undefined,
      _code: string | undefined,
      inline: string | undefined,
      display: string | undefined,
      at: number,
    ) => {
      const formula = inline ?? display;
      if (formula === undefined || formula.includes('$$')) return whole;
      if (inline !== undefined || !formula.includes('\n')) return `$$${formula}$$`;
      const line = source.slice(source.lastIndexOf('\n', at - 1) + 1, at);
      const indent = ' '.repeat(
        line.trim() === '' || /^\s*(?:[-*+]|\d+[.)])\s+$/.test(line) ? line.length : 0,
      );
      const content = formula
        .trim()
        .split('\n')
        .map((each) => indent + each.trim());
      return ['$$', ...content, `${indent}$$`].join('\n');
    },
  );
}

export function withoutFormulas(source: string): string {
  return source.replace(/\$\$[\s\S]+?\$\$/g, '…');
}
