/** Mathematics by KaTeX; loaded when an answer has some. */

import { createMathPlugin } from '@streamdown/math';

import 'katex/dist/katex.min.css';

import type { MathPlugins } from './plugins';

export function mathPlugins(): MathPlugins {
  const { remarkPlugin, rehypePlugin } = createMathPlugin();
  const [katex] = rehypePlugin as [Extract<typeof rehypePlugin, readonly unknown[]>[0]];
  return {
    remark: remarkPlugin,
    // A formula can neither load nor link anything, nor grow beyond the page.
    rehype: [katex, { errorColor: 'inherit', trust: false, maxSize: 20, maxExpand: 500 }],
  };
}
