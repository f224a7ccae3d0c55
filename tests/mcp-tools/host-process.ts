/**
 * A host to be killed: the rig of a directory with its run door open, as a process of its own.
 *   host-process.ts DIR [before:N | after:N]
 * With the second argument it kills itself at the N-th store: before it has done anything, or after the commit
 * and before the answer. Over IPC it says 'ready', and takes {answer: TEXT} for the oldest open question.
 */
import { Rig } from './rig.ts';

const [, , dir, fate] = process.argv;
const rig = new Rig(dir!);
const { ledger } = rig;
const [when, count] = (fate ?? ':').split(':');
let stores = 0;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment to arrive; nothing of ours may run meanwhile.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

await rig.openRunDoor({
  ledger: {
    call(caller, tool, effect, signal) {
      if (tool !== 'aether_memory_store') return ledger.call(caller, tool, effect, signal);
      stores += 1;
      if (when === 'before' && stores === Number(count)) die();
      const result = ledger.call(caller, tool, effect, signal);
      if (when === 'after' && stores === Number(count)) die();
      return result;
    },
  },
});

process.on('message', (message: { answer: string }) => {
  const [open] = rig.approvals.list();
  rig.approvals.answer(open!.id, { text: message.answer }, 'operator');
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
