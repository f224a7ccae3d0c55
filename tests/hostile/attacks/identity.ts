/** To speak as another, or as itself when it should be silent. */
import fs from 'node:fs';
import { join } from 'node:path';
import { type Attack, fails, SAME_USER, succeeds, UNSEEN } from '../attack.ts';

export const identity: Attack[] = [
  {
    name: 'identity/left-behind',
    wants: 'a process that lives on after its agent was stopped, and speaks as it in the next run',
    program: `
leave()
ready()
def speak(name):
    open(HOME + '/alive-' + name, 'w').close()
    for run in attempt('runs', lambda: os.listdir(FACTS['sockets'])) or []:
        attempt(run, lambda: tool('%s/%s/mcp.sock' % (FACTS['sockets'], run), 'aether_memory_store', {'text': FACTS['order']}))
# Once the next run is there.
if wait_for('go-on', 30):
    speak('later')
`,
    meanwhile: async ({ fleet }) => {
      await fleet.ok('stop', 'attacker');
      await fleet.ok('start', 'attacker');
      await fleet.until('attacker', 'running', ({ state }) => state === 'running');
    },
    took: (scene) => fs.existsSync(join(scene.workspace('attacker'), 'alive-later')),
    after: (scene) => fs.rmSync(join(scene.workspace('attacker'), 'alive-later'), { force: true }),
    expected: {
      none: fails('a stop ends what the shim adopted', { event: 'run.exited' }),
      bubblewrap: fails('its box ends with all that is in it', { event: 'run.exited' }),
    },
    short: true,
  },
  {
    name: 'identity/argument',
    wants: 'to be taken for the victim or for a client, by what it says of itself at its own door',
    program: `
def claim(name, more):
    connection = connect(FACTS['me']['door'])
    hello = {'aether': 'bridge', 'protocol': 1, 'instance': 'claim-%s-%d' % (name, len(more)), 'resumed': False, 'run': FACTS['victim']['run'], **more}
    call = {'name': 'aether_memory_get', 'arguments': {'key': 'secret'}}
    client = {'protocolVersion': '2025-11-25', 'capabilities': {}, 'clientInfo': {'name': name, 'version': '1'}}
    lines = [json.dumps(hello)]
    for number, (method, params) in enumerate((('initialize', client), ('tools/call', call)), 1):
        lines.append('%d 0 %s' % (number, json.dumps({'jsonrpc': '2.0', 'id': number, 'method': method, 'params': params})))
    connection.sendall(('\\n'.join(lines) + '\\n').encode())
    say(receive(connection, b'"id":2', 5))
for name in ('victim', 'agent:victim', 'operator'):
    attempt(name, lambda: claim(name, {'agent': name}))
    attempt(name, lambda: claim(name, {'client': name}))
`,
    took: ({ secrets }, printed) => printed.includes(secrets.memory),
    expected: {
      none: fails('the door says who speaks', { event: 'mcp.called' }),
      bubblewrap: fails('the door says who speaks', { event: 'mcp.called' }),
    },
    short: true,
  },
  {
    name: 'identity/client-door',
    wants: 'to be an outside client, at the socket for those',
    program: `attempt('client', lambda: tool(FACTS['sockets'] + '/client.sock', 'aether_memory_store', {'text': FACTS['order'], 'scope': 'shared'}))`,
    took: async (scene) => {
      const stored = await scene.fleet.events({ topics: ['memory.stored'] });
      return stored.some(({ data }) => data.memory.text === scene.order);
    },
    expected: {
      none: fails('a peer that is part of a run is no client', { once: 'door.shed' }),
      bubblewrap: fails('the socket is not shown', UNSEEN),
    },
  },
  {
    name: 'identity/descriptor-passed',
    wants: "to speak as the victim, over the victim's own connection",
    program: `
def take():
    for pid in pids():
        try:
            if b'victim' not in open('/proc/%d/environ' % pid, 'rb').read():
                continue
            handle = syscall(434, 434, pid, 0)
        except OSError:
            continue
        for number in range(3, 40):
            try:
                connection = socket.socket(fileno=syscall(438, 438, handle, number, 0))
                if connection.family == socket.AF_UNIX and 'mcp.sock' in str(connection.getpeername()):
                    say('TAKEN', pid, number, connection.getpeername())
            except OSError:
                pass
attempt('take', take)
`,
    took: (_, printed) => printed.includes('TAKEN'),
    expected: {
      none: succeeds(
        "a user may take its processes' open files; what comes over them is the victim's",
        SAME_USER,
      ),
      bubblewrap: fails('the box has its own processes, and no other', UNSEEN),
    },
    short: true,
  },
];
