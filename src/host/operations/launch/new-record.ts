/** The record of a run at its beginning, before any process of it is started. */
import type { EngineState } from '../../../runtimes/runtime.ts';
import type { AgentConfig } from '../../config/types.ts';
import type { AutomaticStart } from '../../events/topics.ts';
import { bootId } from '../../process/proc.ts';
import { newFloor, newGate, newTurn } from '../../store/run-parts.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';
import { newTree, type RunRecord } from '../../store/runs.ts';
import type { Prepared, Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents' | 'clock' | 'outsiders' | 'runs' | 'runtime'>;

/** How a run comes to be. */
export interface Begun {
  state: EngineState | null;
  resume: { note: string; untold?: string } | null;
  automatic: AutomaticStart | null;
}

export function newRecord(
  wiring: Needs,
  config: AgentConfig,
  id: string,
  { launch }: Prepared,
  begun: Begun,
  sandbox: RunSandbox,
): RunRecord {
  const { state, resume, automatic } = begun;
  const { clock, runs } = wiring;
  const runtime = wiring.runtime(config.runtime);
  const now = clock.now();
  return {
    id,
    agent: config.name,
    state: 'created',
    state_ms: now,
    stateEvidence: { source: 'host', grade: 'enforced', what: 'the host is starting it', at_ms: now },
    activity: 'starting',
    activityEvidence: null,
    requested: 'start',
    asked: {
      by: automatic !== null ? 'host' : (wiring.agents.find(config.name)?.wanted_by ?? 'host'),
      at_ms: now,
    },
    shim: null,
    boot_id: bootId(),
    journal_offset: 0,
    engine: { ...(state ?? runtime.observer.initial(null)), ...launch.observing },
    floor: newFloor(launch.opening),
    turn: newTurn({
      // The conversation goes on, with all that was read in it.
      senders: resume === null ? [] : (runs.newest(config.name)?.turn.senders ?? []),
      untold: resume?.untold ?? null,
    }),
    gate: newGate(),
    tree: newTree(wiring.outsiders.adopters),
    sandbox,
    last: null,
    input_tokens: 0,
    output_tokens: 0,
    cost_usd: null,
    started_ms: now,
    exited_ms: null,
    exit: null,
  };
}
