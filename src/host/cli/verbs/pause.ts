/** `aether pause|resume`: every process of an agent stands still where it is, and goes on from there. */
import type { Command } from 'commander';
import type { AgentView } from '../../api.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb } from '../verb.ts';
import { forEachAgent } from './lifecycle.ts';

export const commands: CliCommand[] = [{ names: ['pause', 'resume'], place: 130, register: registerPause }];

function registerPause(program: Command): void {
  declareVerb(program, {
    usage: 'pause <agent...>',
    summary: 'freeze agents where they are, with everything they started; nothing is lost',
    examples: ['aether pause researcher'],
    notes: ['Messages wait until it is resumed. The time paused counts against no limit.'],
  }).action((names: string[], _options: unknown, command: Command) =>
    forEachAgent(command, names, (client, name) => client.call('pause', { agent: name }), describePause),
  );

  declareVerb(program, {
    usage: 'resume <agent...>',
    summary: 'let held or paused agents go on; they are told how long they were away and what changed',
    examples: ['aether resume researcher'],
  }).action((names: string[], _options: unknown, command: Command) =>
    forEachAgent(command, names, (client, name) => client.call('resume', { agent: name })),
  );
}

function describePause({ name, activity, activityEvidence }: AgentView): string {
  return oneLine(`${name} is ${activity}: ${activityEvidence?.what ?? 'no evidence yet'}`);
}
