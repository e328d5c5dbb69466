/** Whether the page's AI SDK takes the chunk `reset-step`, which not all of its versions know. */

interface AiSdk {
  uiMessageChunkSchema?: unknown;
}

interface Schema {
  validate?: (value: unknown) => PromiseLike<{ success: boolean }> | { success: boolean };
}

/** By the package's own schema of chunks; not if it can't be asked. */
export async function knowsResetStep(load: () => Promise<AiSdk>): Promise<boolean> {
  try {
    const { uiMessageChunkSchema: lazy } = await load();
    const schema = (typeof lazy === 'function' ? (lazy as () => unknown)() : lazy) as Schema;
    const validated = await schema.validate?.({ type: 'reset-step' });
    return validated?.success === true;
  } catch {
    return false;
  }
}
