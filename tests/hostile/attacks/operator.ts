import { type Attack, fails, SAME_USER, succeeds, type Trace, UNSEEN } from '../attack.ts';

const REFUSED: Trace = { once: 'door.shed' };
const NO_SOCKET = 'the socket is not shown';
const NO_PORT = 'the box has a network of its own, and so its own loopback';

/** One process of the attacker asks for something with an effect. */
const ASK = `attempt('control', lambda: operate(connect(FACTS['control'])))`;

export const operator: Attack[] = [
  {
    name: 'operator/control',
    wants: 'to give an order at the control socket',
    program: ASK,
    took: (scene) => scene.ordered(),
    expected: {
      none: fails('a peer that is part of a run is no operator', REFUSED),
      bubblewrap: fails(NO_SOCKET, UNSEEN),
    },
    short: true,
  },
  {
    name: 'operator/control-orphan',
    wants: 'the same, from a process that has shed parent, session, environment and control group',
    program: `leave()\n${ASK}`,
    took: (scene) => scene.ordered(),
    expected: {
      none: fails('the shim adopts orphans, so that descent stays', REFUSED),
      bubblewrap: fails(NO_SOCKET, UNSEEN),
    },
    short: true,
  },
  {
    name: 'operator/control-command',
    wants: 'the same through the command `aether`',
    program: `
import subprocess
order = [*FACTS['program'], 'inject', 'victim', FACTS['order'], '--state', FACTS['state']]
attempt('command', lambda: say(subprocess.run(order, capture_output=True, timeout=20)))
`,
    took: (scene) => scene.ordered(),
    expected: {
      none: fails('it is the same socket, and the same refusal', REFUSED),
      bubblewrap: fails(NO_SOCKET, UNSEEN),
    },
  },
  {
    name: 'operator/control-host-frozen',
    wants: 'the same, by connecting while the host is stopped, with its own shim killed',
    program: `
leave()
shim = os.getppid()
attempt('stop', lambda: os.kill(FACTS['host'], signal.SIGSTOP))
attempt('kill', lambda: os.kill(FACTS['me']['shim'], signal.SIGKILL))
time.sleep(0.3)
def ask():
    connection = connect(FACTS['control'])
    os.kill(FACTS['host'], signal.SIGCONT)
    operate(connection)
attempt('control', ask)
`,
    took: (scene) => scene.ordered(),
    expected: {
      none: fails('while a run has lost its supervisor, nobody unproven is an operator', {
        event: 'run.lost',
      }),
      bubblewrap: fails('it can signal neither, and the socket is not shown', UNSEEN),
    },
    short: true,
  },
  {
    name: 'operator/control-peer-gone',
    wants: 'the same, over a connection whose process has ended before the host looks',
    program: `
attempt('stop', lambda: os.kill(FACTS['host'], signal.SIGSTOP))
connection = socket.socket(socket.AF_UNIX)
if os.fork() == 0:
    attempt('connect', lambda: connection.connect(FACTS['control']))
    os._exit(0)
os.wait()
attempt('go on', lambda: os.kill(FACTS['host'], signal.SIGCONT))
attempt('control', lambda: operate(connection))
`,
    took: (scene) => scene.ordered(),
    expected: {
      none: fails('a peer that has gone, and whose pid may be of another, is nobody', REFUSED),
      bubblewrap: fails(NO_SOCKET, UNSEEN),
    },
  },
  {
    name: 'operator/control-namespace',
    wants: 'the same from a pid namespace of its own, where it is process 1',
    program: `
import ctypes
def disguise():
    # A user namespace (for who is not root), a pid namespace, a mount namespace.
    syscall(272, 97, 0x10000000 | 0x20000000 | 0x20000)
    if os.fork() == 0:
        say('disguised as process', os.getpid())
        attempt('control', lambda: operate(connect(FACTS['control'])))
        os._exit(0)
    os.wait()
attempt('disguise', disguise)
`,
    took: (scene) => scene.ordered(),
    expected: {
      none: fails('descent and control group are seen from outside', REFUSED),
      bubblewrap: fails('no namespace can be made, and the socket is not shown', UNSEEN),
    },
    short: true,
  },
  {
    name: 'operator/question-socket',
    wants: 'to answer its own question at the control socket',
    program: `
say(attempt('ask', lambda: tool(FACTS['me']['door'], 'aether_ask_operator', {'question': FACTS['order'], 'waitSeconds': 0})))
def answer():
    connection = connect(FACTS['control'])
    connection.sendall(b'{"id":1,"verb":"approvals","input":{"agent":"attacker"}}\\n')
    listed = receive(connection, b'"id":', 3)
    say(listed)
    for question in json.loads(listed.splitlines()[-1])['ok']:
        order = {'id': 2, 'verb': 'answerApproval', 'input': {'id': question['id'], 'text': 'yes'}}
        connection.sendall((json.dumps(order) + '\\n').encode())
        say(receive(connection, b'"id":2', 3))
attempt('answer', answer)
`,
    took: async (scene) => {
      const answered = await scene.fleet.events({ topics: ['approval.answered'] });
      return answered.some(({ agent }) => agent === 'attacker');
    },
    expected: {
      none: fails('a peer that is part of a run is no operator', REFUSED),
      bubblewrap: fails(NO_SOCKET, { event: 'approval.opened' }),
    },
    short: true,
  },
  {
    name: 'operator/link-asked',
    wants: 'a link that signs in to the console, from the control socket',
    program: `
def ask():
    connection = connect(FACTS['control'])
    connection.sendall(b'{"id":1,"verb":"consoleLink","input":{}}\\n')
    say(receive(connection, b'"id":', 3))
attempt('link', ask)
`,
    took: (_, printed) => /localhost:\d+\/.*#/.test(printed),
    expected: {
      none: fails('a peer that is part of a run is no operator', REFUSED),
      bubblewrap: fails(NO_SOCKET, UNSEEN),
    },
  },
  {
    name: 'operator/link-stolen',
    wants: "a link that the operator has just asked for, from the host's memory",
    before: async (scene) => {
      scene.link = (await scene.fleet.ok('console')).trim();
    },
    program: `
def look():
    word = FACTS['link'].split('#')[1].split('=')[-1].encode()
    say('FOUND' if search_memory(FACTS['host'], word) else 'not there')
attempt('memory', look)
`,
    took: (_, printed) => printed.includes('FOUND'),
    expected: {
      none: succeeds('a user may trace its own processes', SAME_USER),
      bubblewrap: fails('the box has its own processes, and no other', UNSEEN),
    },
  },
  {
    name: 'operator/console-port',
    wants: 'an answer of the console to somebody who has no session',
    program: `
import urllib.request
port = int(FACTS['console'].rsplit(':', 1)[1].strip('/'))
def look(path):
    request = urllib.request.Request('http://127.0.0.1:%d%s' % (port, path))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=5)
        say(path, answer.status, answer.read()[:400])
    except urllib.error.HTTPError as error:
        say(path, error.code, error.read()[:400])
for path in ('/', '/api/agents', '/api/verbs/agents', '/openapi.json'):
    attempt(path, lambda: look(path))
`,
    // The page itself is no secret; what a session sees is.
    took: (_, printed) => printed.includes('victim'),
    expected: {
      none: fails('the page is no secret, and everything else asks for proof of a session', SAME_USER),
      bubblewrap: fails(NO_PORT, UNSEEN),
    },
    short: true,
  },
  {
    name: 'operator/socket-taken',
    wants: 'to be taken for the host by its operator, at the control socket of a dead one',
    program: `
ready()
path = FACTS['control']
def serve():
    server = socket.socket(socket.AF_UNIX)
    os.unlink(path)
    server.bind(path)
    server.listen()
    server.settimeout(8)
    connection, _ = server.accept()
    hello = {'aether': 'control', 'protocol': 2, 'version': '0.1.0', 'pid': os.getpid()}
    connection.sendall((json.dumps(hello) + '\\n').encode())
    say('HEARD', receive(connection, b'\\n', 3))
    connection.sendall((json.dumps({'id': 1, 'ok': []}) + '\\n').encode())
    time.sleep(1)
end = time.time() + 10
while time.time() < end and not wait_for('go-on', 0.05):
    try:
        connect(path).close()
    except FileNotFoundError:
        time.sleep(0.05)
    except OSError:
        attempt('serve', serve)
        break
`,
    meanwhile: async (scene) => {
      await scene.fleet.killHost();
      // Until it listens: it looks every 50 ms.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await scene.fleet.cli(['ps']);
    },
    took: (_, printed) => printed.includes('"verb"'),
    expected: {
      none: fails('the command says nothing to a process that does not hold the lock of a host', {
        event: 'host.started',
      }),
      bubblewrap: fails(NO_SOCKET, { event: 'host.started' }),
    },
  },
  {
    name: 'operator/port-taken',
    wants: "the operator's session, by listening at the console's port once the host is dead",
    program: `
port = int(FACTS['console'].rsplit(':', 1)[1].strip('/'))
attempt('kill', lambda: os.kill(FACTS['host'], signal.SIGKILL))
time.sleep(0.3)
def serve():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('127.0.0.1', port))
    server.listen()
    server.settimeout(5)
    ready()
    connection, _ = server.accept()
    say('HEARD', receive(connection, b'\\r\\n\\r\\n', 3))
    connection.sendall(b'HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n')
    connection.close()
attempt('serve', serve)
`,
    before: async (scene) => {
      scene.link = (await scene.fleet.ok('console')).trim();
    },
    meanwhile: async ({ link }) => {
      // What a browser sends for it: its fragment it keeps for itself.
      const { port, pathname } = new URL(link);
      await fetch(`http://127.0.0.1:${port}${pathname}`).catch(() => undefined);
    },
    took: ({ link }, printed) => {
      const words = new URL(link).hash
        .slice(1)
        .split(/[=.&]/)
        .filter((one) => one.length > 8);
      return printed.includes('HEARD') && words.some((one) => printed.includes(one));
    },
    expected: {
      none: fails('no secret of a session is ever sent', SAME_USER),
      bubblewrap: fails('it cannot kill the host, and its ports are its own', UNSEEN),
    },
  },
];
