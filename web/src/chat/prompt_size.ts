/** How long a question is, in words for who writes it. */

/** From here on a question is counted. */
const COUNTED_CHARACTERS = 2_000;
/** `MAX_PROMPT_BYTES` of the functions, unless a deployment says otherwise. The page can't know, and so warns only. */
const USUAL_LIMIT_BYTES = 100_000;
/** No character takes more than so many bytes for each of its UTF-16 units. */
const MOST_BYTES_A_UNIT = 3;

export interface PromptSize {
  words: string;
  tooLong: boolean;
}

/** `null` for a question of a usual length. */
export function promptSize(prompt: string): PromptSize | null {
  if (prompt.length < COUNTED_CHARACTERS) return null;
  const characters = `${prompt.length.toLocaleString('en')} characters`;
  const mayBeTooLong = prompt.length * MOST_BYTES_A_UNIT > USUAL_LIMIT_BYTES;
  const bytes = mayBeTooLong ? new TextEncoder().encode(prompt).length : 0;
  if (bytes <= USUAL_LIMIT_BYTES) return { words: characters, tooLong: false };
  const over = (bytes - USUAL_LIMIT_BYTES).toLocaleString('en');
  return { words: `${characters}: probably too long, by ${over} bytes`, tooLong: true };
}

/** Whether a question is shown in part, until its reader wants it all. */
export function isLong(prompt: string): boolean {
  return prompt.length > 900 || prompt.split('\n', 13).length > 12;
}
