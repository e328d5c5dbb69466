/** A piece of Markdown, parsed and rendered once as long as its source stays the same. */

import { memo, type ReactNode } from 'react';
import { Block } from 'streamdown';

import { withDollars, withoutFormulas } from './delimiters';
import { COMPONENTS } from './elements';
import { pipeline, type MathState, type Part } from './plugins';

interface PieceProps {
  part: Part;
  source: string;
  math: MathState;
  /** Of a list: it goes on within so many items. */
  within?: number;
}

export const Piece = memo(({ part, source, math, within = 0 }: PieceProps): ReactNode => (
  <Block
    content={math === 'loading' ? withoutFormulas(withDollars(source)) : withDollars(source)}
    components={COMPONENTS}
    index={0}
    isIncomplete={false}
    shouldParseIncompleteMarkdown={false}
    shouldNormalizeHtmlIndentation={false}
    {...pipeline(part, math, within)}
  />
));
Piece.displayName = 'Piece';
