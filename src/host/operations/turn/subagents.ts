/** Subagents are parts of an engine: what is still at work when the engine ends has ended with it. */
import type { Run } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';
import { subagentEnded } from './turn.ts';

export function endSubagents({ events, clock }: Pick<Wiring, 'events' | 'clock'>, run: Run): void {
  const { agent, turn } = run.record;
  for (const { id, label, since_ms, tokens } of turn.subagents ?? []) {
    subagentEnded(turn, id);
    events.append({
      topic: 'subagent.ended',
      agent,
      run: run.id,
      principal: 'host',
      grade: 'observed',
      data: {
        subagent: id,
        label,
        ran_ms: Math.max(0, clock.now() - since_ms),
        ...(tokens === undefined ? {} : { tokens }),
        outcome: 'interrupted',
      },
    });
  }
}
