/**
 * What an agent in a sandbox reaches, through the whole product: its list and its model and nothing else, told in words
 * and as events; its servers shown to the operator; and streams that no death of a host breaks.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { AgentView } from '../../src/host/api.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';

let fleet: LiveFleet;
const servers: (Server | http.Server)[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await fleet?.close();
});

const isRunning = ({ state }: { state: string | null }) => state === 'running';

/** An address of this machine that is no loopback one: what listens there is outside of every sandbox. */
const OUTSIDE = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;

async function serve(server: Server | http.Server, host: string): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Serves the files of a directory. */
const files = (dir: string) =>
  http.createServer((request, response) => {
    const path = join(dir, new URL(request.url!, 'http://x').pathname);
    if (!fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end();
    return void fs.createReadStream(path).pipe(response);
  });

/** A shell that does each line it is told. */
const shell = (more: object = {}) => ({
  runtime: 'command',
  sandbox: 'bubblewrap',
  command: [
    'sh',
    '-c',
    'echo ready; while read -r line; do (eval "$line") > out.tmp 2>&1; mv out.tmp out; done',
  ],
  ...more,
});

/** What the agent's shell says to it. */
async function inside(agent: string, command: string): Promise<string> {
  const out = join(fleet.project, 'workspaces', agent, 'out');
  fs.rmSync(out, { force: true });
  await fleet.inject(agent, command);
  await eventually(`${agent} has done ${command}`, () => fs.existsSync(out));
  return fs.readFileSync(out, 'utf8');
}

test.runIf(OUTSIDE !== undefined)(
  'an agent reaches its list, and nothing else',
  async () => {
    const dir = fs.mkdtempSync('/tmp/ae-served-');
    const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, stdio: 'pipe' });
    git('init', '-q', '--bare', 'repo.git');
    git('-C', 'repo.git', 'update-server-info');
    fs.writeFileSync(join(dir, 'hello'), 'hello from outside\n');
    const web = await serve(files(dir), OUTSIDE!);
    const database = await serve(
      createServer((socket) => socket.end('database\n')),
      '127.0.0.1',
    );
    const other = await serve(
      createServer((socket) => socket.end('other\n')),
      '127.0.0.1',
    );
    const network = [`${OUTSIDE}:${web}`, `127.0.0.1:${database}`];
    const model = shell({ network: 'none', endpoints: [`http://${OUTSIDE}:${web}/v1`] });
    const config = {
      agents: { a: shell({ network, ports: [5173] }), open: shell({ network: 'host' }), model },
    };
    fleet = await LiveFleet.make(config);
    const plan = await fleet.ok('plan');
    expect(plan).toContain('listed: its model and');
    expect(plan).toContain('unsafe: the network of this machine');
    await fleet.up();
    await fleet.until('a', 'running', isRunning);

    // Programs that know nothing of Aether find the proxy.
    expect(await inside('a', `curl -sS http://${OUTSIDE}:${web}/hello`)).toBe('hello from outside\n');
    expect(await inside('a', `curl -sSp http://${OUTSIDE}:${web}/hello`)).toBe('hello from outside\n');
    expect(
      await inside(
        'a',
        `git clone -q http://${OUTSIDE}:${web}/repo.git && ls -d repo; git ls-remote http://${OUTSIDE}:${other}/x`,
      ),
    ).toMatch(/repo\n[\s\S]*403/);
    expect(
      await inside(
        'a',
        `'${process.execPath}' -e 'fetch("http://${OUTSIDE}:${web}/hello").then((r) => r.text()).then(console.log)'`,
      ),
    ).toContain('hello from outside');
    // A port of this machine that is listed is at the same address inside.
    const dial = (port: number) =>
      `'${process.execPath}' -e 'require("net").connect(${port}, "127.0.0.1").on("data", (d) => console.log(String(d))).on("error", (e) => console.log(e.code))'`;
    expect(await inside('a', dial(database))).toContain('database');
    expect(await inside('a', dial(other))).toContain('ECONNREFUSED');

    // Neither a name nor an address nor the proxy leads anywhere else.
    const words = await inside('a', 'curl -sS http://evil.test/');
    expect(words).toContain("evil.test:80 is not on the list of this agent's network.");
    for (const url of [
      `http://127.0.0.1:${other}/`,
      `http://${OUTSIDE}:${other}/`,
      'http://169.254.169.254/',
    ])
      expect(
        await inside('a', `curl -sS -m 5 --noproxy '' ${url}; curl -sS -m 5 --noproxy '*' ${url}`),
      ).not.toContain('other');
    const refused = await fleet.event('network.refused', ({ data }) => data.host === 'evil.test');
    expect(refused.data).toMatchObject({ port: 80, reason: 'not-listed' });
    expect((await fleet.event('network.reached', ({ data }) => data.host === OUTSIDE)).data.port).toBe(web);

    // Its server, on an address of its own.
    await inside(
      'a',
      `nohup '${process.execPath}' -e 'require("http").createServer((q, r) => r.end("from a")).listen(5173)' >/dev/null 2>&1 & sleep 0.5`,
    );
    const view = await fleet.agent('a');
    expect(view.ports).toEqual([expect.stringMatching(/^http:\/\/127\.(?!0\.0\.1)[\d.]+:5173$/)]);
    expect(await fetch(view.ports![0]!).then((answer) => answer.text())).toBe('from a');
    expect(await fleet.ok('ps')).toContain(view.ports![0]);

    // Narrower without a restart, and said.
    await eventually('the other runs', async () => (await fleet.agent('open')).state === 'running');
    expect(await fleet.ok('ps')).toContain('network: host is unsafe');
    expect(await inside('open', dial(other))).toContain('other');
    fleet.write(
      stringify({
        console: { port: 0 },
        agents: { ...config.agents, a: shell({ network: [network[1]], ports: [5173] }) },
      }),
    );
    await fleet.event('agent.changed', ({ data }) => data.narrowed?.includes('network') === true);
    await eventually('the rules are narrower', async () =>
      (await inside('a', `curl -sS http://${OUTSIDE}:${web}/hello`)).includes('is not on the list'),
    );
    fs.rmSync(dir, { recursive: true });

    // What a command needs for its model is open to it alone.
    expect(await inside('model', `curl -sS http://${OUTSIDE}:${web}/; curl -sS http://evil.test/`)).toContain(
      "evil.test:80 is not on the list of this agent's network.",
    );
    await fleet.event('network.reached', ({ agent, data }) => agent === 'model' && data.host === OUTSIDE);

    // The machine moves to another network.
    const resolvers = join(fleet.stateDir, 'runs', (await fleet.agent('open')).run!, 'box/etc/resolv.conf');
    fs.writeFileSync(resolvers, 'nameserver 192.0.2.1\n');
    await eventually(
      'its box has the resolvers of the machine',
      async () =>
        (await inside('open', 'cat /etc/resolv.conf')) === fs.readFileSync('/etc/resolv.conf', 'utf8'),
      20_000,
    );

    // The console is never carried into a box: not as a listed port, not as the address of a model.
    const { console: shown } = await fleet.withHost((host) => host.call('info', {}));
    const { port } = new URL(shown!);
    const thieves = {
      listed: shell({ network: [`127.0.0.1:${port}`] }),
      model: shell({ network: 'none', endpoints: [`http://localhost:${port}`] }),
    };
    fleet.write(stringify({ console: { port: 0 }, agents: { ...config.agents, ...thieves } }));
    await fleet.cli(['apply']);
    for (const name of ['listed', 'model'])
      expect((await fleet.agent(name)).problem).toMatchObject({ code: 'network.console' });
  },
  120_000,
);

test('a turn of Claude Code and a tunnel go on over the deaths of hosts; without a sandbox plan and ps say that network: is not enforced', async () => {
  const hosts = LONG ? 20 : 2;
  let next = 0;
  const counting = createServer((socket) => {
    const timer = setInterval(() => socket.write(`${next++}\n`), 20);
    socket.on('error', () => undefined).on('close', () => clearInterval(timer));
  });
  const port = await serve(counting, '127.0.0.1');
  const spoken = Array.from({ length: hosts * 60 }, (_, at) => `word${at}`).join(' ');
  fleet = await LiveFleet.make({
    agents: {
      talker: {
        runtime: 'claude-code',
        sandbox: 'bubblewrap',
        network: 'none',
        goal: `Talk. [[slow 40 ${spoken}]] [[say The end.]]`,
      },
      follower: shell({ network: [`127.0.0.1:${port}`] }),
      bare: shell({ sandbox: 'none', network: 'none' }),
    },
  });
  expect(await fleet.ok('plan')).toContain('not enforced without a sandbox (none)');
  await fleet.up();
  await fleet.until('bare', 'running', isRunning);
  expect(await fleet.ok('ps')).toContain('network: is not enforced without a sandbox: bare');
  await fleet.until('talker', 'at work', ({ activity }: AgentView) => activity === 'thinking');
  await fleet.until('follower', 'running', isRunning);
  await fleet.inject(
    'follower',
    `exec '${process.execPath}' -e 'require("net").connect(${port}, "127.0.0.1").pipe(require("fs").createWriteStream("followed"))'`,
  );
  const followed = () => {
    const file = join(fleet.project, 'workspaces/follower/followed');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : [];
  };
  await eventually('the stream flows', () => followed().length > 10);
  const requests = fleet.model.requests.length;
  for (let host = 0; host < hosts; host += 1) {
    await fleet.killHost();
    await fleet.up();
  }
  await fleet.idle('talker', 120_000);
  expect(await fleet.history('talker')).toContain('The end.');
  // The model was asked once: no stream of it broke.
  expect(fleet.model.requests.length - requests).toBeLessThanOrEqual(1);
  const numbers = followed();
  expect(numbers).toEqual(numbers.map((_, at) => at));
  expect(numbers.length).toBeGreaterThan(50);
}, 300_000);
