/**
 * What every sandbox has to be, shown with a real shim and real processes: where they run, how paths map, who
 * belongs, how the tree is frozen and stopped, listening and dialling inside, and a second box of the same run.
 */
import fs from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { groupScope } from '../../src/host/process/cgroup.ts';
import { peerCredentials } from '../../src/host/process/peer.ts';
import { descendants, isAlive, type ProcStat } from '../../src/host/process/proc.ts';
import type { Box, Sandbox } from '../../src/host/sandboxes/sandbox.ts';
import type { ProcessSpec } from '../../src/host/shim/shim-protocol.ts';
import type { BoxSpec } from '../../src/host/store/run-sandbox.ts';
import { CONTAINMENTS, ticksOf } from '../support/run-tree.ts';
import { ShimLab, SPIN, type TestShim, until } from '../support/shim.ts';

export interface SandboxSubject {
  sandbox: Sandbox;
  /** Boxes of it confine files: what is not given is not there. */
  confinesFiles: boolean;
  /** `network: 'own'` gives a network of its own. */
  confinesNetwork: boolean;
}

const NODE = process.execPath;
const STOP = { term_ms: 500, kill_ms: 5_000 };

export function sandboxConformance({ sandbox, confinesFiles, confinesNetwork }: SandboxSubject): void {
  describe.each(CONTAINMENTS)(`sandbox ${sandbox.name}, $name`, ({ env }) => {
    let lab: ShimLab;
    let dir: string;
    let write: string;
    let read: string;
    const servers: Server[] = [];

    beforeEach(() => {
      lab = new ShimLab();
      dir = lab.directory();
      write = join(dir, 'workspace');
      read = join(dir, 'given');
      for (const one of [write, read]) fs.mkdirSync(one);
    });

    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
      lab.clean();
    });

    function box(run: string, more: Partial<BoxSpec> = {}): Box {
      return sandbox.box({
        run,
        name: 'engine',
        write: [write],
        read: [read, NODE],
        network: confinesNetwork ? 'own' : 'shared',
        ...more,
      });
    }

    function launch(): Promise<TestShim> {
      if (env.AETHER_NO_CGROUP !== undefined) return lab.launch();
      return lab.launch({ containment: { scope: groupScope(dir), kinds: ['cgroup2', 'freezer'] } });
    }

    const started = (client: TestShim['client'], one: Box, script: string) =>
      client.start('engine-1', one.wrap(sh(script, write)));

    test('runs a program as it is given: arguments, environment, directory, exit code', async () => {
      const shim = await launch();
      const spec = { ...sh('pwd; echo "$WORD"; exit 7', write), env: { PATH, WORD: 'a "b" c' } };
      await shim.client.start('engine-1', box(shim.start.run).wrap(spec));
      const exit = await shim.over();
      expect(exit).toMatchObject({ cause: 'exited', code: 7, survivors: 0 });
      expect(shim.journal.text(0)).toBe(`${box('r').inside(write)}\na "b" c\n`);
    });

    test('gives a program a terminal whose size it can see change', async () => {
      const shim = await launch();
      const spec: ProcessSpec = {
        ...sh('stty size; trap "stty size; exit 0" WINCH; echo up; while :; do sleep 0.05; done', write),
        io: { kind: 'pty', cols: 80, rows: 24 },
      };
      await shim.client.start('engine-1', box(shim.start.run).wrap(spec));
      await shim.printed(0, 'up');
      await shim.client.resize(0, 100, 30);
      await shim.printed(0, '30 100');
      expect(shim.journal.text(0)).toContain('24 80');
    });

    test('maps paths both ways, and shows what was given', async () => {
      const one = box('r_paths');
      for (const path of [write, join(write, 'a/b'), read]) {
        const inside = one.inside(path);
        expect(inside).not.toBeNull();
        expect(one.outside(inside!)).toBe(path);
      }
      const shim = await launch();
      fs.writeFileSync(join(read, 'told'), 'from outside');
      const hidden = join(dir, 'hidden');
      fs.writeFileSync(hidden, 'secret');
      await started(
        shim.client,
        box(shim.start.run),
        `cat ${one.inside(read)}/told; echo made > ${one.inside(write)}/made; echo x > ${one.inside(read)}/told || echo refused; cat ${hidden} || echo hidden`,
      );
      await shim.over();
      expect(fs.readFileSync(join(write, 'made'), 'utf8')).toBe('made\n');
      expect(shim.journal.text(0)).toContain('from outside');
      expect(one.inside(hidden) === null).toBe(confinesFiles);
      expect(shim.journal.text(0).includes('hidden')).toBe(confinesFiles);
      expect(shim.journal.text(0).includes('refused')).toBe(confinesFiles);
    });

    test('knows its own by their sockets: children and daemons, and nobody else', async () => {
      const path = join(read, 'door.sock');
      const peers: Socket[] = [];
      const door = createServer((socket) => peers.push(socket.on('error', () => undefined)));
      servers.push(door);
      await new Promise<void>((resolve) => door.listen(path, resolve));
      const shim = await launch();
      const mine = box(shim.start.run);
      const connect = node(`require('node:net').connect(${JSON.stringify(path)}); setTimeout(()=>{}, 60000)`);
      await started(
        shim.client,
        mine,
        `${connect} & setsid sh -c '${connect.replaceAll("'", `'\\''`)}' & wait`,
      );
      await until('both are connected', () => peers.length === 2);
      for (const peer of peers) expect(mine.owns(peerCredentials(peer), shim.identity)).toBe(true);

      const other = await launch();
      for (const peer of peers)
        expect(box(other.start.run).owns(peerCredentials(peer), other.identity)).toBe(false);
      const self = createConnection(path);
      await until('this process is connected', () => peers.length === 3);
      expect(mine.owns(peerCredentials(peers[2]!), shim.identity)).toBe(false);
      const asShim = { ...peerCredentials(peers[2]!), ...shim.identity };
      expect(mine.owns(asShim, shim.identity)).toBe(false);
      self.destroy();
      await shim.client.stop('stop', STOP, 'test');
      await shim.over();
    });

    test('freezes, lists, thaws and stops the whole tree', async () => {
      const shim = await launch();
      await started(shim.client, box(shim.start.run), `(setsid ${SPIN} &) ; echo up; ${SPIN}`);
      await shim.printed(0, 'up');
      const tree = () => descendants(shim.identity.pid).filter((entry) => !entry.zombie);
      await until('two of them spin', () => busy(tree()) >= 2);
      const pause = await shim.client.pause('pause', 'test');
      expect(pause.ticks).toBe(0);
      const before = ticksOf(tree());
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(ticksOf(tree())).toBe(before);
      await shim.client.thaw('thaw', 'test');
      await until('they go on', () => ticksOf(tree()) > before);
      const pids = tree();
      expect(await shim.client.stop('stop', STOP, 'test')).toMatchObject({ survivors: 0 });
      expect(pids.filter((entry) => isAlive(entry))).toEqual([]);
    });

    test('listens inside and dials inside, over the death of the host', async () => {
      const outside = join(dir, 'out.sock');
      const echo = createServer((socket) =>
        socket.on('error', () => undefined).on('data', (data) => socket.write(`host:${data}`)),
      );
      servers.push(echo);
      await new Promise<void>((resolve) => echo.listen(outside, resolve));
      const shim = await launch();
      await started(shim.client, box(shim.start.run), `${node(INSIDE)}`);
      await shim.printed(0, 'port ');
      const served = Number(/port (\d+)/.exec(shim.journal.text(0))![1]);

      // Dialling inside: from a socket out here to the agent's own server.
      const inbound = join(dir, 'in.sock');
      await shim.client.relay('dial', { where: 'outside', path: inbound }, inside(served));
      const dialled = createConnection(inbound).on('error', () => undefined);
      dialled.write('ping');
      await said(dialled, 'inside:ping');

      // Listening inside: the agent dials a port of its own network and reaches the socket out here.
      const open = await shim.client.relay('listen', inside(0), { where: 'outside', path: outside });
      expect(open.from).toMatchObject({ where: 'inside', port: expect.any(Number) });
      const { port } = open.from as { port: number };
      expect(port).toBeGreaterThan(0);
      await shim.client.write(0, 'dial', `${port}\n`);
      await shim.printed(0, 'heard host:hello');

      // The host goes; the streams stay, and another host finds the relays.
      shim.client.close();
      dialled.write('again');
      await said(dialled, 'inside:again');
      const next = await lab.connect(shim.start.socket, 2);
      expect(next.status.relays).toHaveLength(2);
      await next.write(0, 'dial-2', `${port}\n`);
      await shim.printed(0, 'heard host:hello');
      // Nobody of the run can take the port that the shim holds.
      await next.write(0, 'take', `take ${port}\n`);
      await shim.printed(0, 'taken EADDRINUSE');
      await next.stop('stop', STOP, 'test');
      await shim.over();
      expect(fs.existsSync(inbound)).toBe(false);
      dialled.destroy();
    });

    test('refuses relays to nowhere, and on addresses that others reach', async () => {
      const shim = await launch();
      await started(shim.client, box(shim.start.run), 'sleep 60');
      const path = join(dir, 'x.sock');
      await expect(
        shim.client.relay('a', { where: 'outside', host: '0.0.0.0', port: 0 }, inside(80)),
      ).rejects.toThrow('loopback addresses only');
      await expect(shim.client.relay('b', { where: 'outside', path: 'x.sock' }, inside(80))).rejects.toThrow(
        'absolute path',
      );
      await expect(shim.client.relay('c', { where: 'outside', path }, inside(0))).rejects.toThrow('port');
      await shim.client.relay('d', { where: 'outside', path }, inside(9));
      const dialled = createConnection(path).on('error', () => undefined);
      await new Promise((resolve) => dialled.once('close', resolve));
      await shim.client.stop('stop', STOP, 'test');
    });

    test('holds a second box of the same run: beside the first, ended alone, frozen and stopped with it', async () => {
      const shim = await launch();
      fs.writeFileSync(join(write, 'file'), '');
      const second = `[ -e ${join(write, 'file')} ] || echo unseen; echo two; while read line; do echo "second $line"; done`;
      const engine = box(shim.start.run);
      const terminal = box(shim.start.run, { name: 'terminal', write: [join(dir, 'own')] });
      fs.mkdirSync(join(dir, 'own'));
      await started(shim.client, engine, 'echo one; while read line; do echo "engine $line"; done');
      const beside = await shim.client.beside('t-1', terminal.wrap(sh(second, join(dir, 'own'))));
      expect(beside).toMatchObject({ index: 1, beside: true, running: true });
      await shim.printed(1, 'two');
      expect(shim.journal.text(1).includes('unseen')).toBe(confinesFiles);
      // Both are written to, and the floor is still the engine's.
      await shim.client.write(1, 'w-1', 'a\n');
      await shim.printed(1, 'second a');
      await shim.client.write(0, 'w-0', 'b\n');
      await shim.printed(0, 'engine b');
      expect((await shim.client.currentStatus()).current).toBe(0);

      const pause = await shim.client.pause('pause', 'test');
      expect(pause.processes).toBeGreaterThanOrEqual(2);
      await shim.client.thaw('thaw', 'test');

      // The engine gives the floor to another process: what runs beside does not notice.
      await shim.client.swap({
        opId: 'swap-1',
        from: 0,
        stop: STOP,
        to: engine.wrap(sh('echo three; sleep 60', write)),
        fallback: engine.wrap(sh('sleep 60', write)),
        settle_ms: 50,
      });
      await shim.printed(2, 'three');
      await shim.client.write(1, 'w-2', 'c\n');
      await shim.printed(1, 'second c');

      const own = (await shim.client.currentStatus()).processes[1]!.pid;
      expect(await shim.client.end('end-1', 1, STOP)).toEqual(expect.objectContaining({ signal: 'SIGTERM' }));
      expect(isAlive({ pid: own, start_ticks: 0 })).toBe(false);
      const { processes, current } = await shim.client.currentStatus();
      expect(processes.map((process) => process.running)).toEqual([false, false, true]);
      expect(current).toBe(2);

      const again = await shim.client.beside('t-2', terminal.wrap(sh(second, join(dir, 'own'))));
      await shim.client.stop('stop', STOP, 'test');
      const exit = await shim.over();
      expect(exit.survivors).toBe(0);
      expect(isAlive({ pid: again.pid, start_ticks: 0 })).toBe(false);
    });

    test('says what holds here', async () => {
      const probe = await sandbox.probe();
      expect(probe.usable).toBe(true);
      expect(probe.holds.files).toBe(confinesFiles);
      expect(probe.holds.network).toBe(confinesNetwork);
      for (const { what, mend } of probe.missing)
        expect([what, mend].every((text) => text.length > 10)).toBe(true);
    });
  });
}

const PATH = '/usr/local/bin:/usr/bin:/bin';

function sh(script: string, cwd: string): ProcessSpec {
  return {
    role: 'engine',
    argv: ['/bin/sh', '-c', script],
    env: { PATH, LANG: 'C.UTF-8' },
    cwd,
    io: { kind: 'pipes', stdio: 'pipe' },
  };
}

/** As a shell word list. */
function node(script: string): string {
  return `${NODE} -e '${script.replaceAll("'", `'\\''`)}'`;
}

const inside = (port: number) => ({ where: 'inside', port }) as const;

/** Serves on a free port; dials the port it reads on stdin; `take PORT` tries to listen there. */
const INSIDE = `
const net = require("node:net");
const server = net.createServer((s) => s.on("data", (d) => s.write("inside:" + d)));
server.listen(0, "127.0.0.1", () => console.log("port " + server.address().port));
require("node:readline").createInterface({ input: process.stdin }).on("line", (text) => {
  const [word, port] = text.split(" ");
  if (word === "take") {
    const other = net.createServer();
    other.on("error", (error) => console.log("taken " + error.code));
    other.listen(Number(port), "127.0.0.1", () => console.log("taken by me"));
    return;
  }
  const s = net.connect(Number(word), "127.0.0.1");
  s.write("hello");
  s.on("data", (d) => { console.log("heard " + d); s.destroy(); });
});
`;

function busy(tree: ProcStat[]): number {
  return tree.filter((entry) => ticksOf([entry]) > 2).length;
}

function said(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const take = (data: Buffer) => {
      heard += data.toString('latin1');
      if (!heard.includes(text)) return;
      socket.off('data', take);
      resolve();
    };
    socket.on('data', take);
    socket.once('close', () => reject(new Error(`closed after "${heard}"`)));
  });
}
