/** `aether feedback`: what was good or bad of something that an agent did. */
import type { Command } from 'commander';
import { AetherError } from '../../errors.ts';
import { invocation, withHost } from '../invocation.ts';
import { print, printJson } from '../output.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['feedback'], place: 153, register: registerFeedback }];

interface Options {
  up?: boolean;
  down?: boolean;
  event?: string;
  memory?: string;
  json?: boolean;
}

function registerFeedback(program: Command): void {
  declareVerb(program, {
    usage: 'feedback [agent] [words...]',
    summary: 'say what was good or bad of what an agent did: it is remembered, and weighs in what is found',
    examples: [
      'aether feedback writer --up',
      "aether feedback writer --down 'never push on a Friday' --event 512",
      'aether feedback --down --memory 0198c2',
    ],
    notes: [
      'Without --event it is about the last thing that the agent did. `aether logs --json` has the numbers (seq).',
    ],
  })
    .option('--up', 'it was good')
    .option('--down', 'it was not')
    .option('--event <seq>', 'the number of the event that it is about')
    .option('--memory <id>', 'a memory that it is about')
    .option('--json', 'what is remembered, and which memories weigh more or less by it')
    .action(async (agent: string | undefined, words: string[], options: Options, command: Command) => {
      const { up = false, down = false, event, memory, json } = options;
      if (up === down || (agent === undefined && memory === undefined && event === undefined))
        throw unsaid(up === down);
      const given = await withHost(invocation(globalsOf(command)), (client) =>
        client.call('feedback', {
          thumb: up ? 'up' : 'down',
          ...(agent === undefined ? {} : { agent }),
          ...(words.length === 0 ? {} : { words: words.join(' ') }),
          ...(event === undefined ? {} : { event: Number(event) }),
          ...(memory === undefined ? {} : { memory }),
        }),
      );
      if (json) printJson(given);
      else {
        const kept = given.memory === null ? 'Noted' : `Remembered as ${given.memory.id}`;
        const weighed = given.weighed.length;
        print(
          `${kept}${weighed > 0 ? `; ${weighed} ${weighed === 1 ? 'memory weighs' : 'memories weigh'} ${up ? 'more' : 'less'} now` : ''}.`,
        );
      }
    });
}

const unsaid = (thumb: boolean): AetherError =>
  new AetherError({
    code: 'usage.feedback',
    who: 'user',
    message: thumb ? 'It is not said whether it was good.' : 'It is not said what the feedback is about.',
    next: thumb ? 'Give --up or --down.' : 'Name an agent, or --event SEQ, or --memory ID.',
  });
