/** Capital letters name the same session or conversation, but AppSync's subscriptions compare the text with each event's id. */
export function canonical(id: string): string {
  return id.toLowerCase();
}
