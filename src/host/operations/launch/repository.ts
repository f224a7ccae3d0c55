/** Reports at each start what the repository of a workspace sets up for its engine, and whether the engine uses it. */
import type { LaunchSpec } from '../../../runtimes/runtime.ts';
import { limits } from '../../limits.ts';
import type { RunRecord } from '../../store/runs.ts';
import type { Wiring } from '../wiring.ts';

export function tellRepository(
  { events }: Pick<Wiring, 'events'>,
  { agent, id }: Pick<RunRecord, 'agent' | 'id'>,
  { repository }: Pick<LaunchSpec, 'repository'>,
): void {
  if (repository === undefined || repository.items.length === 0) return;
  const { trusted, items } = repository;
  const told = items.slice(0, limits.repository_items_told_max);
  events.append({
    topic: 'repository.setup',
    agent,
    run: id,
    principal: 'host',
    grade: 'enforced',
    data: { trusted, items: told, more: items.length - told.length },
  });
}
