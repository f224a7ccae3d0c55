/**
 * What is typed and the file that declares it, in the order of `aether --help`. Only that file is loaded: all of them
 * together are a third of what it takes to start. Written by `npm run generate`; not edited by hand.
 */
import type { CliCommand } from './verb.ts';

export const COMMANDS: readonly { names: string[]; load(): Promise<CliCommand> }[] = [
  {
    names: ['init'],
    load: async () => (await import('./verbs/init.ts')).commands[0]!,
  },
  {
    names: ['plan'],
    load: async () => (await import('./verbs/plan.ts')).commands[0]!,
  },
  {
    names: ['up'],
    load: async () => (await import('./verbs/up.ts')).commands[0]!,
  },
  {
    names: ['apply'],
    load: async () => (await import('./verbs/plan.ts')).commands[1]!,
  },
  {
    names: ['ps'],
    load: async () => (await import('./verbs/ps.ts')).commands[0]!,
  },
  {
    names: ['logs'],
    load: async () => (await import('./verbs/logs.ts')).commands[0]!,
  },
  {
    names: ['run'],
    load: async () => (await import('./verbs/run.ts')).commands[0]!,
  },
  {
    names: ['inject'],
    load: async () => (await import('./verbs/inject.ts')).commands[0]!,
  },
  {
    names: ['attach'],
    load: async () => (await import('./verbs/attach.ts')).commands[0]!,
  },
  {
    names: ['adopt'],
    load: async () => (await import('./verbs/adopt.ts')).commands[0]!,
  },
  {
    names: ['start', 'stop', 'kill', 'restart'],
    load: async () => (await import('./verbs/lifecycle.ts')).commands[0]!,
  },
  {
    names: ['interrupt'],
    load: async () => (await import('./verbs/interrupt.ts')).commands[0]!,
  },
  {
    names: ['hold'],
    load: async () => (await import('./verbs/hold.ts')).commands[0]!,
  },
  {
    names: ['pause', 'resume'],
    load: async () => (await import('./verbs/pause.ts')).commands[0]!,
  },
  {
    names: ['widen'],
    load: async () => (await import('./verbs/widen.ts')).commands[0]!,
  },
  {
    names: ['approvals'],
    load: async () => (await import('./verbs/approvals.ts')).commands[0]!,
  },
  {
    names: ['mail'],
    load: async () => (await import('./verbs/mail.ts')).commands[0]!,
  },
  {
    names: ['memory'],
    load: async () => (await import('./verbs/memory.ts')).commands[0]!,
  },
  {
    names: ['feedback'],
    load: async () => (await import('./verbs/feedback.ts')).commands[0]!,
  },
  {
    names: ['console'],
    load: async () => (await import('./verbs/console.ts')).commands[0]!,
  },
  {
    names: ['mcp'],
    load: async () => (await import('./verbs/mcp.ts')).commands[0]!,
  },
  {
    names: ['down'],
    load: async () => (await import('./verbs/down.ts')).commands[0]!,
  },
  {
    names: ['doctor'],
    load: async () => (await import('./verbs/doctor.ts')).commands[0]!,
  },
  {
    names: ['service'],
    load: async () => (await import('./verbs/service.ts')).commands[0]!,
  },
  {
    names: ['host'],
    load: async () => (await import('./verbs/host.ts')).commands[0]!,
  },
];
