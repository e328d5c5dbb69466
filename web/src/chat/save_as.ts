/** Files that the page gives to its reader. */

import type { ExportFormat } from '@tokencast/client';

const TYPES: Record<ExportFormat, { type: string; ending: string }> = {
  MARKDOWN: { type: 'text/markdown;charset=utf-8', ending: 'md' },
  JSON: { type: 'application/json', ending: 'json' },
};

export function saveAs(title: string, format: ExportFormat, content: string): void {
  const { type } = TYPES[format];
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName(title, format);
  link.click();
  // The browser has taken it by then.
  setTimeout(() => {
    URL.revokeObjectURL(address);
  });
}

/** A name that each system takes. */
export function fileName(title: string, format: ExportFormat): string {
  const name = title
    .replace(/[\p{Cc}\p{Cf}<>:"/\\|?*]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(0, 80)
    .trim();
  return `${name === '' ? 'conversation' : name}.${TYPES[format].ending}`;
}
