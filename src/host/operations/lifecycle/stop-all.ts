/** Every agent is stopped because the host goes; their wishes stay, so that the next `aether up` continues them. */
import { messageOf } from '../../errors.ts';
import type { By, Wiring } from '../wiring.ts';
import type { Lifecycle } from './lifecycle.ts';

/** One that cannot be stopped does not keep the others from it. */
export async function stopAll(
  { runs, log }: Pick<Wiring, 'runs' | 'log'>,
  lifecycle: Lifecycle,
  by: By,
): Promise<void> {
  const names = runs.live().map((run) => run.record.agent);
  const ends = await Promise.allSettled(names.map((name) => lifecycle.stop(name, by, 'down', true)));
  for (const end of ends)
    if (end.status === 'rejected')
      log.error({ error: messageOf(end.reason) }, 'an agent could not be stopped');
}
