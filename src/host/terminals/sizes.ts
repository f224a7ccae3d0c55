/**
 * Which window decides the size of a terminal, of those of the holder of its lease: the one that was typed in, clicked
 * or focused last. When that window closes, the one before it decides again.
 */
import type { TerminalLook } from '../api.ts';

export interface Size {
  cols: number;
  rows: number;
  /** Of the window that has it, where it tells. */
  look?: TerminalLook;
}

interface Claim {
  generation: number;
  size: Size | null;
  /** Order in which they were used last; 0: never. */
  used: number;
}

export class TerminalSizes {
  readonly #claims = new Map<string, Claim>();
  #uses = 0;

  /** The viewer has this size now. */
  claim(viewer: string, generation: number, size: Size): void {
    this.#of(viewer, generation).size = size;
  }

  /** It was typed in, clicked or focused. */
  use(viewer: string, generation: number): void {
    this.#uses += 1;
    this.#of(viewer, generation).used = this.#uses;
  }

  /** @returns the lease for which it claimed a size; null: it had claimed none */
  leave(viewer: string): number | null {
    const claim = this.#claims.get(viewer);
    this.#claims.delete(viewer);
    return claim?.generation ?? null;
  }

  /** @param generation of the lease that is held: those of an earlier holder decide nothing */
  decides(generation: number): { viewer: string; size: Size } | null {
    let found: { viewer: string; size: Size } | null = null;
    let used = -1;
    for (const [viewer, claim] of this.#claims) {
      if (claim.generation !== generation || claim.size === null || claim.used <= used) continue;
      used = claim.used;
      found = { viewer, size: claim.size };
    }
    return found;
  }

  #of(viewer: string, generation: number): Claim {
    const known = this.#claims.get(viewer);
    if (known?.generation === generation) return known;
    const claim = { generation, size: known?.size ?? null, used: 0 };
    this.#claims.set(viewer, claim);
    return claim;
  }
}
