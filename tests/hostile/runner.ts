/** Tries attacks in one setting, one after the other, and says of each what was expected and what was seen. */
import type { EventView } from '../../src/host/api.ts';
import { type Attack, expectedIn, type Outcome, type Setting, type Trace } from './attack.ts';
import { Scene } from './scene.ts';

export interface Finding {
  attack: string;
  setting: Setting;
  expected: Outcome;
  /** `broken`: the attack itself did not come to its end. */
  seen: Outcome | 'broken';
  /** How the operator learned of it, or did not. */
  trace: string;
  /** Why this is not as it should be; null: it is. */
  wrong: string | null;
  /** What the attacker printed, or what broke. */
  printed: string;
}

const LAST_EVENTS_MS = 1_500;
/** What follows from what the operator does in an attack, and no trace of the attack. */
const USUAL = /^(run\.|process\.|activity\.|host\.|agent\.|config\.|network\.reached|inject\.)/;

export async function tryAll(
  setting: Setting,
  attacks: readonly Attack[],
  say: (finding: Finding) => void = () => undefined,
): Promise<Finding[]> {
  const scene = await Scene.open(setting);
  const findings: Finding[] = [];
  try {
    for (const attack of attacks) {
      const finding = await tryOne(scene, attack);
      findings.push(finding);
      say(finding);
    }
  } finally {
    await scene.close();
  }
  return findings;
}

async function tryOne(scene: Scene, attack: Attack): Promise<Finding> {
  const { outcome, trace } = expectedIn(attack, scene.setting);
  const finding: Finding = {
    ...{ attack: attack.name, setting: scene.setting, expected: outcome, seen: outcome },
    ...{ trace: '', wrong: null, printed: '' },
  };
  if (outcome === 'untried') return finding;
  try {
    await scene.stand();
    await attack.before?.(scene);
    const mark = await Mark.set(scene);
    finding.printed = await scene.run(attack);
    await scene.stand();
    finding.seen = (await attack.took(scene, finding.printed)) ? 'succeeds' : 'fails';
    finding.trace = trace === undefined ? '' : await mark.told(trace);
    const missing = trace !== undefined && finding.trace === '';
    if (missing) finding.wrong = `no trace of it: ${JSON.stringify(trace)}; ${await mark.summary()}`;
    if (finding.seen !== outcome) finding.wrong = `it ${finding.seen}`;
  } catch (error) {
    finding.seen = 'broken';
    finding.wrong = error instanceof Error ? error.message : String(error);
  } finally {
    await attack.after?.(scene);
  }
  return finding;
}

/** What the operator knows at one moment, so that what an attack adds can be told. */
class Mark {
  readonly #scene: Scene;
  readonly #seq: number;

  private constructor(scene: Scene, seq: number) {
    this.#scene = scene;
    this.#seq = seq;
  }

  static async set(scene: Scene): Promise<Mark> {
    const events = await scene.fleet.events();
    return new Mark(scene, events.at(-1)?.seq ?? 0);
  }

  async #since(): Promise<EventView[]> {
    return (await this.#scene.fleet.events()).filter(({ seq }) => seq > this.#seq);
  }

  async summary(): Promise<string> {
    return `events: ${(await this.#since()).map(({ topic }) => topic).join(' ') || 'none'}`;
  }

  /** @returns the trace in words, or nothing when it is not there */
  async told(trace: Trace): Promise<string> {
    if ('invisible' in trace) {
      const strange = (await this.#since()).filter(({ topic }) => !USUAL.test(topic));
      return strange.length === 0 ? 'invisible' : '';
    }
    const end = performance.now() + LAST_EVENTS_MS;
    for (;;) {
      if ('event' in trace && (await this.#since()).some(({ topic }) => topic === trace.event))
        return `event ${trace.event}`;
      const once = 'once' in trace ? trace.once : null;
      if ((await this.#scene.events()).some(({ topic }) => topic === once)) return `event ${once}`;
      if (performance.now() > end) return '';
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
