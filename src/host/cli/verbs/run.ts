/** `aether run`: one turn of an agent, in this terminal: started if need be, told TEXT, shown until it is done. */
import type { Command } from 'commander';
import type { AgentView, EventView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { invocation, withHost } from '../invocation.ts';
import { note, print, unseenEscaped } from '../output.ts';
import { eventLines } from '../transcript.ts';
import { TurnWatch } from '../turn-watch.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['run'], place: 70, register: registerRun }];

function registerRun(program: Command): void {
  declareVerb(program, {
    usage: 'run <agent> [text...]',
    summary: 'start an agent if needed, send it TEXT, and show its transcript until the turn ends',
    examples: ['aether run researcher', 'aether run researcher -- "Summarise what you found"'],
    notes: [
      'Exit code 0 when the turn is done, 1 when it failed or the run ended with an error.',
      'Ctrl-C stops watching; the agent goes on.',
    ],
  })
    .option('--json', 'one event per line')
    .action(async (name: string, words: string[], options: { json?: boolean }, command: Command) => {
      const text = words.join(' ');
      await withHost(invocation(globalsOf(command)), (client) =>
        run(client, name, text, options.json ?? false),
      );
    });
}

async function run(client: ControlClient, name: string, text: string, json: boolean): Promise<void> {
  const before = await client.call('agent', { agent: name });
  const events = client.stream('follow', { agent: name });
  const starting = !isAlive(before);
  if (!starting && text === '' && before.activity === 'idle' && before.can.turns) {
    throw new AetherError({
      code: 'usage.idle',
      who: 'user',
      message: `${name} runs already and waits: there is no turn to show.`,
      next: `Give it something to do: \`aether run ${name} -- "…"\`.`,
    });
  }
  if (starting) await client.call('start', { agent: name });
  const inject = text === '' ? null : (await client.call('inject', { agent: name, text })).id;
  const watch = new TurnWatch(inject, !before.can.turns);

  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    note(
      `${name} goes on; see it with \`aether logs --follow ${name}\`, stop it with \`aether stop ${name}\`.`,
    );
    events.cancel();
  });
  try {
    for await (const event of events) {
      show(event, json);
      const end = watch.see(event);
      if (end === null) continue;
      process.exitCode = end.ok ? ExitCode.ok : ExitCode.failed;
      if (end.why !== '') note(end.why);
      return;
    }
  } finally {
    restore();
  }
}

function isAlive(view: AgentView): boolean {
  return view.state === 'running' || view.state === 'starting' || view.state === 'created';
}

function show(event: EventView, json: boolean): void {
  if (json) print(unseenEscaped(JSON.stringify(event)));
  else for (const line of eventLines(event)) print(line);
}
