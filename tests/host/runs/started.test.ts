/** That a run has started is in its journal: the wish for it came true, whichever host reads that. */
import { expect, test } from 'vitest';
import { claudeCodeRuntime } from '../../../src/runtimes/claude-code/runtime.ts';
import { JournalRun } from '../../support/journal-run.ts';

test('a start whose host died right after it is no open request for the next host', async () => {
  const rig = new JournalRun(claudeCodeRuntime);
  try {
    expect(rig.run.record).toMatchObject({ state: 'starting', requested: 'start' });
    await rig.run.pump();
    expect(rig.run.record).toMatchObject({ state: 'running', requested: null });
    expect(rig.table.get(rig.run.id)?.requested).toBeNull();
  } finally {
    rig.close();
  }
});
