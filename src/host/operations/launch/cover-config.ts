/** The configuration in a workspace stays read-only in boxes when an editor has put another file in its place. */
import { messageOf } from '../../errors.ts';
import type { Run } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';

export async function coverConfiguration(
  { runs, log }: Pick<Wiring, 'runs' | 'log'>,
  file: string,
): Promise<void> {
  const shown = runs.live().filter((run) => run.record.sandbox.boxes.some(({ read }) => read.includes(file)));
  await Promise.all(
    shown.map((run) =>
      cover(run, file).catch((error: unknown) =>
        log.warn(
          { run: run.id, error: messageOf(error) },
          'an agent can write the configuration in its workspace',
        ),
      ),
    ),
  );
}

async function cover(run: Run, file: string): Promise<void> {
  const { processes } = await run.client.currentStatus();
  const box = run.box('engine');
  for (const { running, pid } of processes) if (running) await box.replaced(pid, file);
}
