/** Against the host's and the shims' processes: their secrets, their code, their lives. */
import { type Attack, fails, SAME_USER, succeeds, UNSEEN } from '../attack.ts';

const NOT_THERE = 'the box has its own processes, and no other';

export const host: Attack[] = [
  {
    name: 'host/environment',
    wants: "the keys of every agent, from the host's environment",
    program: `attempt('environ', lambda: say(open('/proc/%d/environ' % FACTS['host'], 'rb').read()))`,
    took: ({ secrets }, printed) => printed.includes(secrets.key),
    expected: {
      none: succeeds('a user reads its own processes', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
  {
    name: 'host/trace',
    wants: 'to hold host and shim under ptrace, so as to run code in them',
    program: `
for what, pid in (('host', FACTS['host']), ('shim', FACTS['me']['shim']), ('victim', FACTS['victim']['pid'])):
    def hold():
        syscall(101, 117, 0x4206, pid, 0, 0)
        say('HELD', what)
        syscall(101, 117, 0x4207, pid, 0, 0)
        os.waitpid(pid, 0x40000000)
        syscall(101, 117, 17, pid, 0, 0)
    attempt(what, hold)
`,
    took: (_, printed) => printed.includes('HELD'),
    expected: {
      none: succeeds('a user may trace its own processes', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
  {
    name: 'host/descriptor',
    wants: "an open file of the host's or of the victim's, by pidfd_getfd",
    program: `
for what, pid in (('host', FACTS['host']), ('victim', FACTS['victim']['pid'])):
    def take():
        handle = syscall(434, 434, pid, 0)
        for number in range(3, 40):
            attempt(number, lambda: say('TAKEN', what, syscall(438, 438, handle, number, 0)))
    attempt(what, take)
`,
    took: (_, printed) => printed.includes('TAKEN'),
    expected: {
      none: succeeds('a user may trace its own processes', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
    short: true,
  },
  {
    name: 'host/inspector',
    wants: "to run code in host or shim, through Node's inspector",
    program: `
import urllib.request
def ports():
    found = set()
    for table in ('tcp', 'tcp6'):
        for line in open('/proc/net/' + table).readlines()[1:]:
            columns = line.split()
            if columns[3] == '0A':
                found.add(int(columns[1].split(':')[1], 16))
    return found
before = ports()
for pid in (FACTS['host'], FACTS['me']['shim'], FACTS['victim']['shim']):
    attempt(pid, lambda: os.kill(pid, signal.SIGUSR1))
time.sleep(1)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for port in (ports() - before) | {9229}:
    attempt(port, lambda: say(port, opener.open('http://127.0.0.1:%d/json/list' % port, timeout=3).read()))
`,
    took: (_, printed) => printed.includes('webSocketDebuggerUrl'),
    expected: {
      none: fails('no program of Aether opens one', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
  {
    name: 'host/stop',
    wants: 'a host that stands still',
    program: `
attempt('stop', lambda: (os.kill(FACTS['host'], signal.SIGSTOP), time.sleep(0.2)))
def look():
    state = open('/proc/%d/stat' % FACTS['host']).read().rsplit(')', 1)[1].split()[0]
    say('STANDS' if state == 'T' else 'goes on')
attempt('look', look)
attempt('go on', lambda: os.kill(FACTS['host'], signal.SIGCONT))
`,
    took: (_, printed) => printed.includes('STANDS'),
    expected: {
      none: succeeds('a user may signal its own processes', SAME_USER),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
  {
    name: 'host/shim-killed',
    wants: 'to live on without its supervisor',
    program: `
leave()
attempt('kill', lambda: (os.kill(FACTS['me']['shim'], signal.SIGKILL), say('KILLED')))
`,
    took: (_, printed) => printed.includes('KILLED'),
    expected: {
      none: succeeds('a user may signal its own processes; what it left is ended as far as it is found', {
        event: 'run.lost',
      }),
      bubblewrap: fails(NOT_THERE, UNSEEN),
    },
  },
];
