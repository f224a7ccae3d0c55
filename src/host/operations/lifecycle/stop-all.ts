/** Stops every agent when the host ends. Their desired state stays, so that the next `aether up` continues them. */
import { messageOf } from '../../errors.ts';
import type { By, Wiring } from '../wiring.ts';
import type { Lifecycle } from './lifecycle.ts';

/**
 * An agent without a run is stopped too: its start may be in progress, and the stop waits in the queue behind it.
 * One that cannot be stopped does not keep the others from it.
 */
export async function stopAll(
  { agents, runs, log }: Pick<Wiring, 'agents' | 'runs' | 'log'>,
  lifecycle: Lifecycle,
  by: By,
): Promise<void> {
  const names = new Set([
    ...agents.all().map(({ name }) => name),
    ...runs.live().map((run) => run.record.agent),
  ]);
  const stop = async (name: string) => lifecycle.stop(name, by, 'down', true);
  const ends = await Promise.allSettled([...names].map(stop));
  for (const end of ends)
    if (end.status === 'rejected')
      log.error({ error: messageOf(end.reason) }, 'an agent could not be stopped');
}
