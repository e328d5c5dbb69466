/** Repairs text that is no Unicode: half of a character that JavaScript keeps in two, such as an emoji that was cut. */

/** Each such half becomes U+FFFD. JSON would carry it as an escape that servers refuse. */
export function wellFormed(text: string): string {
  // Browsers of before 2024 lack it.
  const native = (text as { toWellFormed?: () => string }).toWellFormed;
  return native ? native.call(text) : text.replaceAll(/\p{Surrogate}/gu, '\ufffd');
}
