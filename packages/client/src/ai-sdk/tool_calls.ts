/**
 * The calls of tools in an answer, each with an id of its own. Pages tell calls apart by their ids, and fail at a result without
 * a call. A model may use an id twice, though, and give a result to nothing. So a further use of an id gets a number behind it
 * (`t1:2`), a result belongs to the last use before it, and one without a use is left out.
 */
export class ToolCalls {
  readonly #byBlock = new Map<number, string>();
  readonly #taken = new Set<string>();
  /** By the model's id, that of its last use. */
  readonly #last = new Map<string, string>();

  /** The id of the call that a block is. `toolUseId` is the model's. */
  ofUse(blockIndex: number, toolUseId: string): string {
    const known = this.#byBlock.get(blockIndex);
    if (known !== undefined) return known;
    let id = toolUseId;
    for (let number = 2; this.#taken.has(id); number += 1) id = `${toolUseId}:${number}`;
    this.#taken.add(id);
    this.#byBlock.set(blockIndex, id);
    this.#last.set(toolUseId, id);
    return id;
  }

  /** The id of the call that a result is of; `undefined` if there is no such call before it. */
  ofResult(toolUseId: string): string | undefined {
    return this.#last.get(toolUseId);
  }
}
