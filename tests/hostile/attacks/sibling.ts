/** Against another agent: its key, its files, its tools, its life. */
import fs from 'node:fs';
import { join } from 'node:path';
import { running } from '../../support/live-fleet.ts';
import { type Attack, fails, SAME_USER, succeeds, UNSEEN } from '../attack.ts';

const NOT_THERE = 'the box has its own processes, and no other';

/** Puts a socket of its own into the place of a door, and looks for three seconds whether the host makes it again. */
const replacing = (whose: 'victim' | 'me') => `
path = FACTS['${whose}']['door']
def replace():
    os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    own = os.stat(path).st_ino
    for _ in range(30):
        time.sleep(0.1)
        if os.stat(path).st_ino != own:
            return say('made again')
    say('KEPT')
attempt('replace', replace)
`;

export const sibling: Attack[] = [
  {
    name: 'sibling/key-environment',
    wants: "the victim's key, from the environment of any process",
    program: `
for pid in pids():
    attempt(pid, lambda: say(open('/proc/%d/environ' % pid, 'rb').read()))
`,
    took: ({ secrets }, printed) => printed.includes(secrets.key),
    expected: {
      none: succeeds('a user reads its own processes', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
    short: true,
  },
  {
    name: 'sibling/key-memory',
    wants: "the victim's key, from its memory",
    program: `
# Where the victim cannot be seen, everything that can.
target = FACTS['victim']['pid']
for pid in [target] if os.path.exists('/proc/%d' % target) else pids():
    attempt(pid, lambda: say(search_memory(pid, b'key-of-the-victim-')))
`,
    took: ({ secrets }, printed) => printed.includes(secrets.key),
    expected: {
      none: succeeds('a user may trace its own processes', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
  {
    name: 'sibling/file-read',
    wants: "a file of the victim's workspace, by its path and by the root of other processes",
    program: `
path = FACTS['victim']['workspace'] + '/diary.txt'
for file in [path] + ['/proc/%d/root%s' % (pid, path) for pid in pids()]:
    attempt(file, lambda: say(open(file).read()))
`,
    took: ({ secrets }, printed) => printed.includes(secrets.file),
    expected: {
      none: succeeds('both agents are one user', SAME_USER),
      bubblewrap: fails('only its own workspace is shown', UNSEEN),
    },
  },
  {
    name: 'sibling/file-write',
    wants: "to leave a file in the victim's workspace",
    program: `
attempt('write', lambda: open(FACTS['victim']['workspace'] + '/planted', 'w').close())
os.makedirs(FACTS['victim']['workspace'], exist_ok=True) or open(FACTS['victim']['workspace'] + '/planted', 'w')
`,
    took: (scene) => fs.existsSync(join(scene.workspace('victim'), 'planted')),
    after: (scene) => fs.rmSync(join(scene.workspace('victim'), 'planted'), { force: true }),
    expected: {
      none: succeeds('both agents are one user', SAME_USER),
      bubblewrap: fails('only its own workspace is shown', UNSEEN),
    },
  },
  {
    name: 'sibling/signal',
    wants: 'to end the victim',
    program: `attempt('kill', lambda: os.kill(FACTS['victim']['pid'], signal.SIGTERM))
time.sleep(0.5)
`,
    took: ({ victimPid }) => !running(victimPid!),
    expected: {
      none: succeeds('a user may signal its own processes', { event: 'run.exited' }),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
  {
    name: 'sibling/door',
    wants: "to store a memory as the victim, at the socket of the victim's tools",
    program: `attempt('door', lambda: tool(FACTS['victim']['door'], 'aether_memory_store', {'text': FACTS['order']}))`,
    took: async (scene) => {
      const stored = await scene.fleet.events({ topics: ['memory.stored'] });
      return stored.some(({ data }) => data.memory.text === scene.order);
    },
    expected: {
      none: fails('the kernel says who connects, and it is not part of that run', { once: 'door.shed' }),
      bubblewrap: fails('only its own socket is shown', UNSEEN),
    },
    short: true,
  },
  {
    name: 'sibling/door-replaced',
    wants: "to answer the victim's calls, at a socket put into the place of the host's",
    program: replacing('victim'),
    took: (_, printed) => printed.includes('KEPT'),
    expected: {
      none: fails('it can for a moment; the host makes its socket again', { event: 'door.replaced' }),
      bubblewrap: fails('the directory of its own sockets is shown, read-only, and no other', UNSEEN),
    },
    short: true,
  },
  {
    name: 'sibling/door-own-replaced',
    wants: 'to put a socket of its own into the place of its door, for the next engine to find',
    program: replacing('me'),
    took: (_, printed) => printed.includes('KEPT'),
    expected: {
      none: fails('it can for a moment; the host makes its socket again', { event: 'door.replaced' }),
      bubblewrap: fails('the directory is read-only', UNSEEN),
    },
  },
  {
    name: 'sibling/shim-socket',
    wants: "to have the victim's shim end its run",
    program: `
def end():
    connection = connect(FACTS['victim']['shimSocket'])
    connection.sendall(b'{"id":1,"op":"hello","protocol":1,"generation":999}\\n')
    connection.sendall(b'{"id":2,"op":"stop","opId":"x","stop":{"term_ms":0,"kill_ms":100},"reason":"x"}\\n')
    say(receive(connection, b'"id":2', 3))
attempt('shim', end)
time.sleep(0.5)
`,
    took: ({ victimPid }) => !running(victimPid!),
    expected: {
      none: fails('a shim serves nothing that is part of a run', { once: 'door.shed' }),
      bubblewrap: fails('the socket is not shown', UNSEEN),
    },
    short: true,
  },
];
