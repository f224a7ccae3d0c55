/**
 * `network: full` with passt is an ordinary network to the programs of an agent: pip and apt, git over ssh, a database
 * client, each against its real server. The internet is a network namespace with a public address, which root can make.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';

/** Of a documentation network: routed like any public address, and of no neighbour. */
const [HERE, THERE] = ['203.0.113.1', '203.0.113.2'];
const NAMESPACE = `ae-${process.pid}`;
const POSTGRES = fs.existsSync('/usr/lib/postgresql')
  ? fs
      .readdirSync('/usr/lib/postgresql')
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
      .find((bin) => fs.existsSync(join(bin, 'postgres')))
  : undefined;

const onPath = (program: string) =>
  (process.env.PATH ?? '').split(':').some((dir) => fs.existsSync(join(dir, program)));
const able = process.getuid!() === 0 && ['pasta', 'ip', 'bwrap'].every(onPath);
if (!able)
  process.stderr.write(
    '!! an ordinary network CANNOT BE TESTED HERE: it takes root, passt, iproute2, bubblewrap\n',
  );

/** What a program needs to be tested; said where it is missing. */
const NEEDS: Record<string, boolean> = {
  pip: onPath('pip'),
  apt: onPath('apt-get') && onPath('dpkg-deb'),
  'git over ssh': fs.existsSync('/usr/sbin/sshd') && onPath('ssh'),
  'a database client': POSTGRES !== undefined,
};

let fleet: LiveFleet;
let root: string;
const children: ChildProcess[] = [];

const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });

/** Starts a server at the public address. */
function serve(program: string, ...args: string[]): void {
  children.push(spawn('ip', ['netns', 'exec', NAMESPACE, program, ...args], { stdio: 'ignore' }));
}

const listens = (port: number) =>
  eventually(
    `port ${port}`,
    () => run('ip', 'netns', 'exec', NAMESPACE, 'ss', '-Hltn', `sport = :${port}`).length > 0,
    20_000,
  );

/** A directory as a web server shows it: packages for pip and apt. */
const FILES = `
const { createServer } = require('node:http'), fs = require('node:fs'), path = require('node:path');
createServer((request, response) => {
  let file = path.join(process.argv[1], new URL(request.url, 'http://x').pathname);
  if (file.endsWith('/')) file += 'index.html';
  if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
  response.setHeader('content-type', file.endsWith('.html') ? 'text/html' : 'application/octet-stream');
  fs.createReadStream(file).pipe(response);
}).listen(80, '0.0.0.0');`;

const WHEEL = `
import sys, zipfile
info = 'demo-1.0.dist-info/'
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('demo.py', 'answer = 42')
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')`;

function packages(web: string): void {
  for (const dir of ['simple/demo', 'deb', 'build/DEBIAN']) fs.mkdirSync(join(web, dir), { recursive: true });
  const name = 'demo-1.0-py3-none-any.whl';
  if (NEEDS.pip) run('python3', '-c', WHEEL, join(web, name));
  fs.writeFileSync(join(web, 'simple/demo/index.html'), `<a href="/${name}">${name}</a>`);
  if (!NEEDS.apt) return;
  const control =
    'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n';
  fs.writeFileSync(join(web, 'build/DEBIAN/control'), control);
  run('dpkg-deb', '--build', join(web, 'build'), join(web, 'deb/demo_1.0_all.deb'));
  const size = fs.statSync(join(web, 'deb/demo_1.0_all.deb')).size;
  const sum = run('sha256sum', join(web, 'deb/demo_1.0_all.deb')).toString().split(' ')[0];
  fs.writeFileSync(
    join(web, 'deb/Packages'),
    `${control}Filename: ./demo_1.0_all.deb\nSize: ${size}\nSHA256: ${sum}\n`,
  );
}

function ssh(keys: string): void {
  for (const name of ['host', 'user'])
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(keys, name));
  fs.mkdirSync('/run/sshd', { recursive: true });
  const options = [
    `HostKey=${keys}/host`,
    `AuthorizedKeysFile=${keys}/user.pub`,
    'StrictModes=no',
    'UsePAM=no',
  ];
  serve('/usr/sbin/sshd', '-D', '-f', '/dev/null', ...options.flatMap((option) => ['-o', option]));
}

function postgres(dir: string): void {
  const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
  fs.mkdirSync(dir);
  fs.chmodSync(root, 0o755);
  run('chown', '65534:65534', dir);
  run(
    'setpriv',
    ...user,
    join(POSTGRES!, 'initdb'),
    '-D',
    join(dir, 'data'),
    '-A',
    'trust',
    '-U',
    'agent',
    '--no-sync',
  );
  fs.appendFileSync(join(dir, 'data/pg_hba.conf'), 'host all all 0.0.0.0/0 trust\n');
  const where = ['-D', join(dir, 'data'), '-h', '0.0.0.0', '-k', dir];
  serve('setpriv', ...user, join(POSTGRES!, 'postgres'), ...where);
}

beforeAll(async () => {
  if (!able) return;
  root = fs.mkdtempSync('/tmp/ae-public-');
  run('ip', 'netns', 'add', NAMESPACE);
  const [ours, theirs] = [`v${process.pid}a`, `v${process.pid}b`];
  run('ip', 'link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', NAMESPACE);
  run('ip', 'addr', 'add', `${HERE}/30`, 'dev', ours);
  run('ip', 'link', 'set', ours, 'up');
  for (const words of [
    ['addr', 'add', `${THERE}/30`, 'dev', theirs],
    ['link', 'set', theirs, 'up'],
    ['link', 'set', 'lo', 'up'],
  ])
    run('ip', '-n', NAMESPACE, ...words);
  packages(join(root, 'web'));
  serve(process.execPath, '-e', FILES, join(root, 'web'));
  run('git', 'init', '-q', '--bare', join(root, 'repo.git'));
  if (NEEDS['git over ssh']) ssh(root);
  if (NEEDS['a database client']) postgres(join(root, 'db'));
  fleet = await LiveFleet.make({
    agents: {
      a: {
        ...{
          runtime: 'command',
          network: 'full',
          sandbox: { kind: 'bubblewrap', read: NEEDS['git over ssh'] ? [join(root, 'user')] : [] },
        },
        command: ['sh', '-c', 'while read -r line; do (eval "$line") > out.tmp 2>&1; mv out.tmp out; done'],
      },
    },
  });
  fs.writeFileSync(join(root, 'web', 'hello'), 'hello\n');
  await fleet.up();
  await fleet.until('a', 'running', ({ state }) => state === 'running');
}, 120_000);

afterAll(async () => {
  await fleet?.close();
  for (const child of children) child.kill('SIGKILL');
  if (!able) return;
  // What they had started ends with its namespace.
  for (const pid of run('ip', 'netns', 'pids', NAMESPACE).toString().split('\n'))
    if (pid !== '') process.kill(Number(pid), 'SIGKILL');
  run('ip', 'netns', 'del', NAMESPACE);
  fs.rmSync(root, { recursive: true, force: true });
}, 60_000);

const workspace = () => join(fleet.project, 'workspaces', 'a');

async function inside(command: string): Promise<string> {
  const out = join(workspace(), 'out');
  fs.rmSync(out, { force: true });
  await fleet.ok('inject', 'a', command);
  await eventually(`it has done ${command}`, () => fs.existsSync(out), 40_000);
  return fs.readFileSync(out, 'utf8');
}

const APT = [
  ...[
    'Dir::Etc::sourcelist=$PWD/s.list',
    'Dir::Etc::sourceparts=-',
    'Dir::Etc::trustedparts=-',
    'Dir::State=$PWD/apt',
  ],
  ...['Dir::State::status=$PWD/status', 'Dir::Cache=$PWD/apt', 'Acquire::AllowInsecureRepositories=true'],
  'Acquire::Languages=none',
].map((option) => `-o "${option}"`);

const CASES: [string, string, RegExp][] = [
  ['a plain connection', `curl -sS --noproxy '*' http://${THERE}/hello`, /^hello\n$/],
  [
    'pip',
    `pip --isolated --disable-pip-version-check download -q --no-deps --no-cache-dir -i http://${THERE}/simple/ --trusted-host ${THERE} demo; ls *.whl`,
    /demo-1\.0-py3-none-any\.whl\n$/,
  ],
  [
    'apt',
    `mkdir -p apt/lists/partial apt/archives/partial; : > status; echo 'deb [trusted=yes] http://${THERE}/deb ./' > s.list; apt-get -q ${APT.join(' ')} update && apt-get -q ${APT.join(' ')} download demo; ls *.deb`,
    /demo_1\.0_all\.deb\n$/,
  ],
  ['git over ssh', 'root', /\* \[new branch\] +HEAD -> main[\s\S]*over\n$/],
  ['a database client', `${POSTGRES}/psql -h ${THERE} -U agent -d postgres -Atc 'select 40 + 2'`, /^42\n$/],
];

test.runIf(able).each(CASES)(
  '%s works in it',
  async (what, command, wanted) => {
    if (NEEDS[what] === false) {
      process.stderr.write(`!! ${what} CANNOT BE TESTED HERE: its program or its server is not installed\n`);
      return;
    }
    if (what === 'git over ssh') await listens(22);
    else if (what === 'a database client') await listens(5432);
    else await listens(80);
    const options = `-i ${root}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
    const git = [
      `export GIT_SSH_COMMAND="ssh ${options}"; git clone -q ssh://root@${THERE}${root}/repo.git clone; cd clone`,
      'git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m x; git push origin HEAD:main; echo over',
    ].join('; ');
    expect(await inside(command === 'root' ? git : command)).toMatch(wanted);
  },
  60_000,
);
