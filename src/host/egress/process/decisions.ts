/**
 * Reports what the proxy decided to the host: the first time at once, and then at most once a minute with a count,
 * however often an agent tries. A bounded number of targets is remembered; further ones are reported as one.
 */
import type { EgressDecision } from '../egress-protocol.ts';

interface Caps {
  decisions_max: number;
  retell_ms: number;
}

interface Told {
  decision: EgressDecision;
  untold: number;
}

export const OTHERS = 'other hosts';

export class Decisions {
  readonly #caps: Caps;
  readonly #tell: (decisions: EgressDecision[]) => void;
  readonly #known = new Map<string, Told>();
  #timer: NodeJS.Timeout | null = null;

  constructor(caps: Caps, tell: (decisions: EgressDecision[]) => void) {
    this.#caps = caps;
    this.#tell = tell;
  }

  note(decision: Omit<EgressDecision, 'count'>): void {
    const { outcome, host, port, reason } = decision;
    let key = [outcome, host, port, reason ?? ''].join(' ');
    let counted: EgressDecision = { ...decision, count: 1 };
    if (!this.#known.has(key) && this.#known.size >= this.#caps.decisions_max) {
      key = `${outcome} ${OTHERS}`;
      counted = { outcome, host: OTHERS, port: 0, count: 1, ...(reason === undefined ? {} : { reason }) };
    }
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { decision: counted, untold: 0 });
      this.#tell([counted]);
      return;
    }
    known.untold += 1;
    this.#timer ??= setTimeout(() => this.flush(), this.#caps.retell_ms).unref();
  }

  /** Tells what was only counted. A host that is reached again and again is told of once. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const due: EgressDecision[] = [];
    for (const known of this.#known.values()) {
      if (known.untold > 0 && known.decision.outcome === 'refused')
        due.push({ ...known.decision, count: known.untold });
      known.untold = 0;
    }
    if (due.length > 0) this.#tell(due);
  }
}
