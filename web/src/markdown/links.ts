/** Which addresses an answer may link to. */

const ALLOWED = new Set(['http:', 'https:', 'mailto:']);

/** The address, if a click on it can only open a page or a letter; `null` otherwise. */
export function safeHref(href: string): string | null {
  let url: URL;
  try {
    url = new URL(href);
  } catch {
    // Neither does an answer know of pages beside this one.
    return null;
  }
  return ALLOWED.has(url.protocol) ? url.href : null;
}
