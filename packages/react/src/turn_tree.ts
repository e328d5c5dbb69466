/** Turns as a tree, and the one branch of it that is shown. */

export interface TreeTurn {
  sessionId: string;
  /** `null` at the beginning. */
  parentId: string | null;
}

/** Of a list of turns, the oldest first. A turn whose parent isn't in it begins the conversation. */
export class TurnTree<Turn extends TreeTurn> {
  readonly #turns: ReadonlyMap<string, Turn>;
  /** By parent; the beginning's key is `null`. */
  readonly #children = new Map<string | null, Turn[]>();
  /** The place in the list of the newest turn of each branch. */
  readonly #newest = new Map<string, number>();

  constructor(turns: readonly Turn[]) {
    this.#turns = new Map(turns.map((turn) => [turn.sessionId, turn]));
    for (const turn of turns) {
      const parentId = this.parentOf(turn);
      const siblings = this.#children.get(parentId);
      if (siblings === undefined) this.#children.set(parentId, [turn]);
      else siblings.push(turn);
    }
    for (const [place, { sessionId }] of turns.entries()) this.#newest.set(sessionId, place);
    // Each turn before the one that it continues: no branch is gone through twice.
    for (const turn of this.#fromTheBeginning().reverse()) {
      const parentId = this.parentOf(turn);
      if (parentId === null) continue;
      const newest = this.#newest.get(turn.sessionId) ?? -1;
      this.#newest.set(parentId, Math.max(newest, this.#newest.get(parentId) ?? -1));
    }
  }

  /** All that lead to the beginning, each behind the one that it continues. */
  #fromTheBeginning(): Turn[] {
    const found = [...(this.#children.get(null) ?? [])];
    // The loop comes to those that it adds.
    for (const turn of found) found.push(...(this.#children.get(turn.sessionId) ?? []));
    return found;
  }

  get(sessionId: string): Turn | undefined {
    return this.#turns.get(sessionId);
  }

  /** A turn and those that it continues, from the beginning. Empty if it isn't there. */
  branchOf(sessionId: string): Turn[] {
    const branch: Turn[] = [];
    const seen = new Set<string>();
    let turn = this.#turns.get(sessionId);
    while (turn !== undefined && !seen.has(turn.sessionId)) {
      seen.add(turn.sessionId);
      branch.unshift(turn);
      turn = turn.parentId === null ? undefined : this.#turns.get(turn.parentId);
    }
    return branch;
  }

  /** The turns that continue the same one, the oldest first. Empty if it isn't there. */
  siblingsOf(sessionId: string): readonly Turn[] {
    const turn = this.#turns.get(sessionId);
    return turn === undefined ? [] : (this.#children.get(this.parentOf(turn)) ?? []);
  }

  /** From the beginning: of the turns that continue the same one, the one chosen, or the one that leads to the newest turn. */
  path(chosen: ReadonlyMap<string | null, string>): Turn[] {
    const path: Turn[] = [];
    let parentId: string | null = null;
    for (;;) {
      const children: readonly Turn[] = this.#children.get(parentId) ?? [];
      const wanted = chosen.get(parentId);
      const next =
        children.find(({ sessionId }) => sessionId === wanted) ??
        children.reduce<Turn | null>((best, turn) => {
          return best === null || this.#place(turn) > this.#place(best) ? turn : best;
        }, null);
      if (next === null) return path;
      path.push(next);
      parentId = next.sessionId;
    }
  }

  #place({ sessionId }: TreeTurn): number {
    return this.#newest.get(sessionId) ?? -1;
  }

  /** The turn that it continues, if that is there. */
  parentOf({ parentId }: TreeTurn): string | null {
    return parentId !== null && this.#turns.has(parentId) ? parentId : null;
  }
}
