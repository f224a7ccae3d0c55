/**
 * `npm run trees`: what is left of trees that resist, counted from outside, by each means that this machine has.
 *
 *   node main.ts [--trees N] [--pause SECONDS] [--sandbox none|bubblewrap] [--user]
 *
 * stop   every tree is stopped; two seconds later nobody of it may live
 * pause  a spinning tree, a child in a session of its own included, is paused: no tick of CPU may be used
 * lost   the shim is killed instead, and what it leaves behind is looked for; without a group or a sandbox that is best
 *        effort
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { GroupKind } from '../../src/host/process/cgroup.ts';
import type { Means } from '../../src/host/process/containment.ts';
import { killRemains } from '../../src/host/process/left-processes.ts';
import { noteInTree } from '../../src/host/runs/tree.ts';
import { newTree } from '../../src/host/store/runs.ts';
import { inBox, LAUNCHERS, whyNoBox } from '../support/box.ts';
import { isRoot, noOrdinaryUser, runAsUser } from '../support/ordinary-user.ts';
import { optionsOf } from '../support/program-options.ts';
import { program, ShimLab, type TestShim, until } from '../support/shim.ts';
import { RESISTANT, type Resistant } from './cast.ts';
import { marked, type Tree } from './outside.ts';

const LADDER = { close_stdin_ms: 100, term_ms: 200, kill_ms: 5_000 };
const LATER_MS = 2_000;
const SEEN_MS = 1_500;
const lab = new ShimLab();

const USAGE = 'node tests/trees/main.ts [--trees N] [--pause SECONDS] [--sandbox none|bubblewrap] [--user]';

const values = optionsOf(USAGE, {
  trees: { type: 'string', default: '200' },
  pause: { type: 'string', default: '10' },
  sandbox: { type: 'string', default: 'none' },
  user: { type: 'boolean', default: false },
});
const trees = Number(values.trees);
const pause_s = Number(values.pause);
const boxed = values.sandbox === 'bubblewrap';
if (!Number.isSafeInteger(trees) || trees < 1 || !(pause_s > 0) || !(boxed || values.sandbox === 'none')) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
const impossible = (values.user ? noOrdinaryUser() : null) ?? (boxed ? await whyNoBox() : null);
if (impossible !== null) {
  process.stderr.write(`This cannot be tried here: ${impossible}.\n`);
  process.exit(2);
}
if (values.user && isRoot) {
  const args = process.argv.slice(2).filter((word) => word !== '--user');
  process.exit((await runAsUser({ main: fileURLToPath(import.meta.url), args })).code ?? 1);
}
const cast = boxed ? RESISTANT.filter(({ boxes }) => boxes !== 'refuse') : RESISTANT;
for (const { name } of RESISTANT.filter((one) => !cast.includes(one)))
  console.log(`LEFT OUT: a tree that ${name}: a box refuses it`);

const containment = (kind: Means) => ({
  scope: `aether-trees-${process.pid}`,
  kinds: kind === 'descent' ? [] : [kind],
});

/** Those that this user may use: an ordinary one has no control group to make others in. */
async function usable(kinds: GroupKind[]): Promise<Means[]> {
  const found: Means[] = [];
  for (const kind of kinds) {
    const { client } = await lab.launch({ containment: containment(kind) });
    if ((await client.currentStatus()).containment?.means === kind) found.push(kind);
    await client.stop('stop', { term_ms: 0, kill_ms: 5_000 }, 'trees');
  }
  return [...found, 'descent'];
}

async function begin(
  kind: Means,
  { name, spec, least, boxes }: Resistant,
): Promise<{ shim: TestShim; tree: Tree }> {
  const shim = await lab.launch({ containment: containment(kind) });
  const tree = marked(boxed ? await inBox(spec(), lab.directory(), { debug: boxes === 'debug' }) : spec());
  await shim.client.start('s1', tree.spec);
  await shim.printed(0, 'ready');
  const wanted = boxed ? least + LAUNCHERS : least;
  await until(`${name}: all of it`, () => tree.alive().length >= wanted);
  const means = (await shim.client.currentStatus()).containment?.means;
  if (means !== kind) throw new Error(`held by ${means}, not by ${kind}`);
  return { shim, tree };
}

async function stopOne(
  kind: Means,
  resistant: Resistant,
): Promise<{ tree: Tree; seen: number; took_ms: number }> {
  const { shim, tree } = await begin(kind, resistant);
  const seen = tree.alive().length;
  const began = performance.now();
  await shim.client.stop('stop', LADDER, 'trees');
  return { tree, seen, took_ms: performance.now() - began };
}

const held = (kind: Means) => (boxed ? `bubblewrap, ${kind}` : kind);

/** @returns how many lived two seconds after their stop */
async function stopAll(kind: Means, count: number): Promise<number> {
  let seen = 0;
  let longest_ms = 0;
  const left: string[] = [];
  for (let done = 0; done < count; ) {
    const round = cast.slice(0, count - done);
    done += round.length;
    const stopped: { name: string; tree: Tree }[] = [];
    // Two at a time: so many cores this has to pass on as well.
    for (let index = 0; index < round.length; index += 2) {
      await Promise.all(
        round.slice(index, index + 2).map(async (resistant) => {
          const { tree, seen: processes, took_ms } = await stopOne(kind, resistant);
          seen += processes;
          longest_ms = Math.max(longest_ms, took_ms);
          stopped.push({ name: resistant.name, tree });
        }),
      );
    }
    await sleep(LATER_MS);
    for (const { name, tree } of stopped) for (const { pid } of tree.alive()) left.push(`${pid} (${name})`);
    lab.clean();
  }
  console.log(
    `stop   ${held(kind)}: ${count} trees of ${cast.length} kinds, ${seen} processes; longest stop ${Math.round(longest_ms)} ms; alive 2 s later: ${left.length}${left.length > 0 ? `: ${left.join(', ')}` : ''}`,
  );
  return left.length;
}

/** @returns CPU ticks that were used while it was paused */
async function pauseOne(kind: Means): Promise<number> {
  const { shim, tree } = await begin(kind, { name: 'spins', spec: () => program('spin.sh'), least: 3 });
  const still = await shim.client.pause('p1', 'operator');
  const before = tree.ticks();
  await sleep(pause_s * 1_000);
  const used = tree.ticks() - before;
  const processes = tree.alive().length;
  await shim.client.stop('stop', { term_ms: 0, kill_ms: 5_000 }, 'trees');
  lab.clean();
  console.log(
    `pause  ${held(kind)}: ${processes} spinning processes stood still after ${still.took_ms} ms; CPU ticks in ${pause_s} s: ${used}`,
  );
  return used;
}

/** @returns how many were not found; that may be only where nothing but descent held them, and no box */
async function loseAll(kind: Means): Promise<number> {
  const left: string[] = [];
  for (const resistant of cast) {
    const { shim, tree } = await begin(kind, resistant);
    // Where only a pid will find it again, the shim has to have seen it.
    await sleep(SEEN_MS);
    process.kill(shim.identity.pid, 'SIGKILL');
    const noted = newTree();
    for (const record of shim.journal.read().records) noteInTree(noted, record);
    const place = noted.containment?.path ?? null;
    const groups = place === null || kind === 'descent' ? [] : [{ kind, path: place }];
    await killRemains({ run: shim.start.run, shim: shim.identity, known: noted.known, groups }, 5_000);
    const alive = tree.alive();
    if (alive.length > 0) left.push(`${alive.length} of one that ${resistant.name}`);
    for (let round = 0; tree.alive().length > 0 && round < 1_000; round += 1)
      for (const { pid } of tree.alive()) killOf(pid);
    lab.clean();
  }
  console.log(
    `lost   ${held(kind)}: shim killed over ${cast.length} trees; not found: ${left.length === 0 ? 'nobody' : left.join(', ')}`,
  );
  return kind === 'descent' && !boxed ? 0 : left.length;
}

function killOf(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}

let wrong = 0;
try {
  const means = await usable(['cgroup2', 'freezer']);
  console.log(`as ${isRoot ? 'root' : `user ${process.getuid!()}`}, held by ${means.map(held).join(' · ')}`);
  for (const [index, kind] of means.entries())
    wrong += await stopAll(
      kind,
      Math.floor((trees * (index + 1)) / means.length) - Math.floor((trees * index) / means.length),
    );
  for (const kind of means) wrong += await pauseOne(kind);
  for (const kind of means) wrong += await loseAll(kind);
} finally {
  lab.clean();
}
console.log(
  `load ${readFileSync('/proc/loadavg', 'latin1').split(' ')[0]}; ${wrong === 0 ? 'nothing was left' : `WRONG: ${wrong}`}`,
);
process.exitCode = wrong === 0 ? 0 : 1;
