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
}

export const Piece = memo(({ part, source, math }: PieceProps): ReactNode => (
  <Block
    content={math === 'loading' ? withoutFormulas(withDollars(source)) : withDollars(source)}
    components={COMPONENTS}
    index={0}
    isIncomplete={false}
    shouldParseIncompleteMarkdown={false}
    shouldNormalizeHtmlIndentation={false}
    {...pipeline(part, math)}
  />
));
Piece.displayName = 'Piece';
