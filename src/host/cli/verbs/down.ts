/** `aether down`: every agent is stopped, then the host. What should run again next time is remembered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { isAlive } from '../alive.ts';
import { connectHost, invocation } from '../invocation.ts';
import { print } from '../output.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['down'], place: 180, register: registerDown }];

const GONE_MS = 30_000;

function registerDown(program: Command): void {
  declareVerb(program, {
    usage: 'down',
    summary: 'stop every agent, then the host; the next `aether up` continues them',
    examples: ['aether down'],
  }).action(async (_options: unknown, command: Command) => {
    const invoked = invocation(globalsOf(command));
    const client = await connectHost(invoked);
    const names = (await client.call('agents')).filter((view) => view.pid !== null).map((view) => view.name);
    if (names.length > 0) print(`Stopping ${names.join(', ')} …`);
    await bringDown(client);
    print('The host has ended.');
  });
}

/** Resolves once the host's process is gone. Safe when another command brings it down at the same time. */
export async function bringDown(client: ControlClient): Promise<void> {
  const { pid } = client.hello;
  try {
    await client.call('down');
  } catch (error) {
    // It may end before its answer is out; whether it did is seen below.
    if (!(error instanceof AetherError && error.code === 'control.lost')) throw error;
  } finally {
    client.close();
  }
  const deadline = Date.now() + GONE_MS;
  // Where it is this very process (up in the foreground), there is nothing to wait for.
  while (pid !== process.pid && isAlive(pid)) {
    if (Date.now() > deadline) {
      throw new AetherError({
        code: 'host.lingers',
        who: 'host',
        message: `The host (pid ${pid}) is still there ${GONE_MS / 1_000} s after it was told to end.`,
        next: `See host.log in the state directory for what it waits for, then \`kill ${pid}\`.`,
      });
    }
    await sleep(20);
  }
}
