/**
 * A host verb is added as a contributor would: its definition, a command, a place in the page, a tool, a test. Every
 * door carries it without having heard of it.
 */
import { expect, onTestFinished, test } from 'vitest';
import type { AgentView, InjectionView } from '../../src/host/api.ts';
import { Client } from '../support/console-client.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import type { Addition } from './addition.ts';

const FILES = {
  'src/host/verbs/nudge.ts': `/** A word to an agent that does not move. */
import { aboutAgent } from './input.ts';
import { notRunning } from './lifecycle.ts';
import { defineVerb } from './verb.ts';

export const nudge = defineVerb({
  kind: 'call',
  name: 'nudge',
  summary: 'Tells an agent to go on.',
  input: aboutAgent,
  who: ['operator', 'host', 'agent'],
  basis: ['run'],
  legal: notRunning,
  run(rooms, { agent }, { principal, label }) {
    rooms.messages.send(agent, { text: \`Go on, says \${label}. [[say moving]]\` }, principal);
    return rooms.agents.get(agent);
  },
});
`,
  'src/host/cli/verbs/nudge.ts': `/** \`aether nudge\`: a word to agents that do not move. */
import type { Command } from 'commander';
import { type CliCommand, declareVerb } from '../verb.ts';
import { forEachAgent } from './lifecycle.ts';

export const commands: CliCommand[] = [{ names: ['nudge'], place: 115, register: registerNudge }];

function registerNudge(program: Command): void {
  declareVerb(program, {
    usage: 'nudge <agent...>',
    summary: 'tell agents to go on',
    examples: ['aether nudge researcher'],
  }).action((names: string[], _options: unknown, command: Command) =>
    forEachAgent(command, names, (client, agent) => client.call('nudge', { agent })),
  );
}
`,
  'src/mcp-tools/catalog/nudge.ts': `/** \`aether_nudge\`: a word to another agent. */
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const nudge = defineTool({
  name: 'aether_nudge',
  title: 'Nudge an agent',
  description: 'Tell another agent of this fleet to go on. Use it when that agent has not moved for a long time.',
  order: 120,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  input: z.strictObject({ agent: z.string() }),
  output: z.object({ nudged: z.string() }),
  examples: [{ agent: 'researcher' }],
  effect: ({ verbs }, call, { agent }) => ({ nudged: verbs.call(call, 'nudge', { agent }).name }),
});
`,
  'tests/host/verbs/nudge.test.ts': `/** Who is nudged, and when. */
import { expect, it } from 'vitest';
import { HostDouble } from '../../support/host-double.ts';

it('tells a running agent, and no other', () => {
  const host = new HostDouble('/nowhere');
  host.set('coder', {});
  const by = (principal: \`agent:\${string}\` | \`client:\${string}\`) => ({ principal, label: principal });
  expect(host.verbs.call(by('agent:lead'), 'nudge', { agent: 'coder' }).name).toBe('coder');
  expect(host.injections('coder')).toMatchObject([{ principal: 'agent:lead' }]);
  const refused = (principal: Parameters<typeof by>[0]) => () => host.verbs.call(by(principal), 'nudge', { agent: 'coder' });
  expect(refused('client:laptop')).toThrow(/may not call nudge/);
  host.set('coder', { state: 'stopped' });
  expect(refused('agent:lead')).toThrow(/coder is stopped/);
});
`,
};
const PAGE = 'src/console/web/agent/verbs.ts';

export const verb: Addition = {
  name: 'a host verb: five files are written; the lists are made from them',
  tests: ['tests/host/verbs/nudge.test.ts', 'tests/host/verbs/openapi.test.ts'],
  add(scratch) {
    for (const [file, text] of Object.entries(FILES)) scratch.write(file, text);
    scratch.edit(
      PAGE,
      "  { verb: 'start', label: 'Start',",
      "  { verb: 'nudge', label: 'Nudge', icon: 'send', run: (agent) => void command('nudge', agent) },\n  { verb: 'start', label: 'Start',",
    );
    scratch.generate();
    const { generated, written } = scratch.touched();
    expect(written).toEqual([...Object.keys(FILES), PAGE].sort());
    expect(generated).toEqual(
      expect.arrayContaining([
        'src/host/cli/commands.ts',
        'src/host/verbs/all.ts',
        'src/host/verbs/names.ts',
      ]),
    );
  },
  live(scratch) {
    test('the command, the console and a tool of an agent reach a verb that was added', async () => {
      const { program } = scratch();
      const fleet = await LiveFleet.make({ agents: {} }, { program });
      onTestFinished(() => fleet.close());
      const engine = {
        ...{ runtime: 'builtin', model: 'anthropic:scripted', auth: 'ANTHROPIC_API_KEY' },
        env: { ANTHROPIC_BASE_URL: fleet.model.url },
      };
      fleet.configure({
        agents: {
          worker: { ...engine, goal: '[[say begun]]' },
          lead: {
            ...{ ...engine, autostart: false },
            goal: `Go. ${call('aether_nudge', { agent: 'worker' })} [[say done]]`,
          },
          idle: { runtime: 'command', command: ['/bin/true'], restart: 'never' },
        },
      });
      await fleet.up();
      await fleet.turns('worker', 1);
      await fleet.act('start', 'lead');
      await fleet.turns('lead', 1);
      const sent = async () =>
        (await fleet.withHost((host) => host.call('injections', { agent: 'worker' }))).map(
          (one: InjectionView) => [one.principal, one.text.split('.')[0]],
        );
      expect(await sent()).toEqual([['agent:lead', 'Go on, says agent:lead']]);

      expect(await fleet.ok('nudge', 'worker')).toMatch(/^worker is running/);
      expect((await sent()).at(-1)).toEqual(['operator', expect.stringMatching(/^Go on, says .+@/)]);
      expect(await fleet.ok('--help')).toContain('nudge [options] <agent...>');

      const browser = await Client.signIn((await fleet.ok('console')).trim());
      const { run, state } = await fleet.agent('worker');
      const seen = { run, state, lease: null };
      const answer = await browser.call<AgentView>('nudge', { agent: 'worker' }, seen);
      expect(answer).toMatchObject({ status: 200, body: { name: 'worker', verbs: { nudge: null } } });
      expect((await sent()).at(-1)).toEqual(['operator', expect.stringMatching(/^Go on, says console-/)]);
      const stale = await browser.call('nudge', { agent: 'worker' }, { ...seen, run: 'run_other' });
      expect(stale).toMatchObject({ status: 409, body: { error: { code: 'verb.stale' } } });

      await fleet.act('stop', 'worker');
      expect((await fleet.cli(['nudge', 'worker'])).stderr).toContain(
        'Cannot nudge worker: worker is stopped.',
      );
    }, 180_000);
  },
};
