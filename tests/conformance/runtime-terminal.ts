/**
 * A runtime whose engine is a program in a terminal, under a real host: how it ends is known exactly, the tools are
 * where it was told, nothing of it outlives a stop, one hand at a time types, and of a message no more is claimed than
 * its delivery.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../../src/host/process/proc.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';
import { treeOf } from '../support/run-tree.ts';
import type { Bench, TerminalSubject } from './runtime-bench.ts';

const SHOWN_MS_MAX = 20_000;

/** A fleet of scripts under `restart: never`, ended after the test. */
export async function fleetOf(
  bench: Bench<TerminalSubject>,
  scripts: Record<string, string>,
): Promise<LiveFleet> {
  const agents = Object.fromEntries(
    Object.entries(scripts).map(([name, text]) => [
      name,
      { ...bench.subject.script(text), restart: 'never' },
    ]),
  );
  const fleet = await LiveFleet.make({ agents, defaults: { sandbox: bench.sandbox } });
  bench.onEnd(() => fleet.close());
  return fleet;
}

/** Until its terminal has shown this. */
export const screen = (fleet: LiveFleet, name: string, text: string): Promise<void> =>
  fleet.withHost(async (host) => {
    const stream = host.stream('attach', { agent: name });
    const late = setTimeout(() => stream.cancel(), SHOWN_MS_MAX);
    let shown = '';
    try {
      for await (const item of stream) {
        if (item.kind === 'screen' || item.kind === 'chunk')
          shown += Buffer.from(item.data, 'base64').toString();
        if (shown.includes(text)) return;
      }
    } finally {
      clearTimeout(late);
    }
    throw new Error(`${name} does not show ${text}, but ${JSON.stringify(shown)}`);
  });

export function terminalConformance(bench: Bench<TerminalSubject>): void {
  describe('how it ends', () => {
    it('is known to the number, and to the signal', async () => {
      const codes = [0, 1, 7, 126, 127, 255];
      const signals = ['TERM', 'KILL', 'SEGV'];
      const fleet = await fleetOf(bench, {
        ...Object.fromEntries(codes.map((code) => [`code-${code}`, `exit ${code}`])),
        ...Object.fromEntries(signals.map((name) => [`signal-${name.toLowerCase()}`, `kill -${name} $$`])),
      });
      await fleet.cli(['up', '--detach']);
      for (const code of codes) {
        const { exit } = await fleet.until(`code-${code}`, 'ended', (view) => view.exit !== null);
        expect(exit).toMatchObject({ code, signal: null, cause: 'exited' });
      }
      for (const name of signals) {
        const agent = `signal-${name.toLowerCase()}`;
        const { exit } = await fleet.until(agent, 'ended', (view) => view.exit !== null);
        expect(exit).toMatchObject({ code: null, signal: `SIG${name}` });
      }
    });

    it('by a stop, is the end of everything it started, whatever that does not listen to', async () => {
      const fleet = await fleetOf(bench, {
        deaf: `trap '' TERM HUP INT; (setsid sh -c 'trap "" TERM HUP; : > fled; while :; do sleep 1; done' &) ; echo here; while :; do sleep 1; done`,
      });
      await fleet.up();
      const { run, workspace } = await fleet.agent('deaf');
      await eventually('its child has fled', () => fs.existsSync(join(workspace, 'fled')));
      const tree = treeOf(run!);
      expect(tree.length).toBeGreaterThanOrEqual(2);
      await fleet.ok('stop', 'deaf');
      expect(tree.filter((entry) => isAlive(entry))).toEqual([]);
      expect(await fleet.agent('deaf')).toMatchObject({ state: 'stopped', pid: null, wanted: 'stopped' });
    });
  });

  it('is told of the tools by one path, and is itself when it uses them', async () => {
    const call = (id: number, method: string, params: object) =>
      JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const lines = [
      call(1, 'initialize', {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'a script', version: '1' },
      }),
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      call(2, 'tools/call', {
        name: 'aether_report',
        arguments: { summary: 'reported by a script', status: 'done' },
      }),
    ];
    const typed = lines.map((line) => `echo '${line}'`).join('; ');
    const fleet = await fleetOf(bench, {
      // A path and no arguments: it works in quotes.
      caller: `{ ${typed}; } | "$AETHER_MCP_COMMAND"; echo over; sleep 600`,
    });
    await fleet.up();
    const report = await fleet.event('report.made');
    expect(report).toMatchObject({
      agent: 'caller',
      principal: 'agent:caller',
      data: { summary: 'reported by a script', status: 'done' },
    });
    await screen(fleet, 'caller', 'over');
  });

  it('is typed into by one hand at a time: messages wait for the lease, the program is not exchanged', async () => {
    const fleet = await fleetOf(bench, { reader: 'echo ready; while read -r line; do echo "<$line>"; done' });
    await fleet.up();
    await screen(fleet, 'reader', 'ready');
    const { pid } = await fleet.agent('reader');
    const client = await fleet.connect();
    bench.onEnd(async () => client.close());

    const lease = await client.call('takeover', {
      agent: 'reader',
      when: 'boundary',
      cols: 80,
      rows: 24,
    });
    expect(lease).toMatchObject({ phase: 'held', holder: expect.stringContaining('@') });
    await client.call('terminalWrite', { agent: 'reader', generation: lease.generation, data: 'by hand\r' });
    await screen(fleet, 'reader', '<by hand>');
    const injected = await client.call('inject', { agent: 'reader', text: 'by message' });
    await expect(
      client.call('terminalWrite', {
        agent: 'reader',
        generation: lease.generation - 1,
        data: 'by a stale hand\r',
      }),
    ).rejects.toMatchObject({ code: 'lease.stale' });
    expect((await fleet.agent('reader')).pid).toBe(pid);
    await client.call('handback', { agent: 'reader', generation: lease.generation });
    await screen(fleet, 'reader', '<by message>');

    const printed = await fleet.ok('logs', 'reader');
    expect(printed.indexOf('<by hand>')).toBeLessThan(printed.indexOf('<by message>'));
    expect(printed).not.toContain('stale');
    const stages = async () =>
      (await fleet.events({ agent: 'reader', topics: ['inject.'] }))
        .filter(({ data }) => data.inject === injected.id)
        .map(({ topic }) => topic);
    await eventually('delivered', async () => (await stages()).includes('inject.delivered'));
    // Whether anybody read what was typed is not known, and not said.
    expect(await stages()).toEqual(['inject.queued', 'inject.delivered']);
    expect((await fleet.agent('reader')).pid).toBe(pid);
  });
}
