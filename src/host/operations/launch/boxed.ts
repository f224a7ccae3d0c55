/**
 * A process of a run as it is started in its box. An engine that asks the host before its tools run is started from an
 * execute-only copy of its program: what it starts itself could otherwise answer for the host in its memory.
 */
import { join } from 'node:path';
import type { Run } from '../../runs/run.ts';
import { engineProgram } from '../../sandboxes/engine-program.ts';
import type { ProcessSpec } from '../../shim/shim-protocol.ts';
import type { Wiring } from '../wiring.ts';

/** @throws AetherError `program.copy-failed` */
export async function boxed(
  { programCopies }: Pick<Wiring, 'programCopies'>,
  run: Run,
  process: ProcessSpec,
): Promise<ProcessSpec> {
  const box = run.box('engine');
  // Unconfined, it has the capabilities of its user, or that user's debugger beside it.
  if (run.record.sandbox.name === 'none' || run.runtime.capabilities.engine !== 'structured')
    return box.wrap(process);
  const program = await engineProgram(process);
  if (program.file === null) return box.wrap(process);
  const copy = await programCopies.of(program.file);
  return box.wrap({ ...process, argv: program.argv(join(programCopies.directory, copy)) });
}
