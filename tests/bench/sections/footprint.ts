/** What one more run costs in memory besides its engine: its shim, and the bridge its engine started. */
import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.ts';
import { aether, LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median } from '../figures.ts';
import { memoryOf } from '../machine.ts';
import type { Row } from '../report.ts';

const COUNTS: Record<Scale, { claude: number; command: number }> = {
  full: { claude: 5, command: 7 },
  quick: { claude: 5, command: 5 },
  smoke: { claude: 1, command: 1 },
};
/** Keeps its tools open, and is told nothing: what a run costs that waits. */
const IDLE = [
  'sh',
  '-c',
  'mkfifo "$TMPDIR/in"; "$AETHER_MCP_COMMAND" <"$TMPDIR/in" & exec 3>"$TMPDIR/in"; cat',
];

export async function footprint(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  const goal = `Remember. ${aether('memory_store', { text: 'Tuesday is market day.' })} [[say stored]]`;
  const agents: Record<string, Record<string, unknown>> = {};
  for (let index = 0; index < counts.claude; index += 1)
    agents[`claude-${index}`] = { runtime: 'claude-code', goal };
  for (let index = 0; index < counts.command; index += 1)
    agents[`command-${index}`] = { runtime: 'command', command: IDLE };
  const fleet = await LiveFleet.make({ agents }, { program: [process.execPath, bench.product.command] });
  try {
    bench.say(`footprint: ${counts.claude + counts.command} runs`);
    await fleet.up();
    for (const name of Object.keys(agents)) if (name.startsWith('claude')) await fleet.idle(name, 60_000);
    return await Promise.all(
      (['claude', 'command'] as const).map(async (kind): Promise<Row> => {
        const runs = [];
        for (let index = 0; index < counts[kind]; index += 1) {
          const view = await fleet.agent(`${kind}-${index}`);
          const bridge = await eventually('its bridge', () => bridgeBelow(view.pid!));
          runs.push({ shim: memoryOf(parentOf(view.pid!)).private_MB, bridge: memoryOf(bridge).private_MB });
        }
        const sums = runs.map(({ shim, bridge }) => shim + bridge);
        return {
          section: '4. Private memory of a run besides its engine',
          what:
            kind === 'claude'
              ? 'shim + bridge of a Claude Code run, after a turn with a tool call'
              : 'shim + bridge of a command in a terminal',
          unit: 'MB',
          aether: median(sums),
          reference: null,
          ratio: null,
          target: { of: 'value', at_most: 30 },
          note: `shim ${list(runs.map(({ shim }) => shim))} + bridge ${list(runs.map(({ bridge }) => bridge))}; largest sum ${Math.max(...sums).toFixed(1)}`,
        };
      }),
    );
  } finally {
    await fleet.close();
  }
}

const list = (values: number[]): string => values.map((value) => value.toFixed(1)).join(' ');

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** The bridge among the descendants of an engine; null while there is none. */
function bridgeBelow(pid: number): number | null {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
    for (const child of children === '' ? [] : children.split(' ').map(Number)) {
      const argv = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0');
      if (argv.some((word) => word.endsWith('/bridge/main.cjs'))) return child;
      const below = bridgeBelow(child);
      if (below !== null) return below;
    }
  }
  return null;
}
