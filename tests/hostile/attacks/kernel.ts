/** Against the box itself: more rights, more of the kernel, a terminal that somebody reads, the user's services. */
import fs from 'node:fs';
import { join } from 'node:path';
import { type Attack, fails, SAME_USER, succeeds, UNSEEN, untried } from '../attack.ts';

const FILTERED = 'the filter of system calls denies it';

export const kernel: Attack[] = [
  {
    name: 'kernel/user-namespace',
    wants: 'every capability, in a user namespace of its own',
    program: `
attempt('unshare', lambda: (syscall(272, 97, 0x10000000), say('UNSHARED')))
child = attempt('clone', lambda: syscall(56, 220, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0))
if child == 0:
    os._exit(0)
if child:
    say('UNSHARED')
`,
    took: (_, printed) => printed.includes('UNSHARED'),
    expected: {
      none: succeeds('the machine allows it to everybody', SAME_USER),
      bubblewrap: fails('no further user namespace can be made', UNSEEN),
    },
    short: true,
  },
  {
    name: 'kernel/mount',
    wants: 'to mount something over what it sees, and to see what lies under a mount',
    program: `
os.makedirs('mounted', exist_ok=True)
attempt('mount', lambda: (syscall(165, 40, b'none', b'mounted', b'tmpfs', 0, None), say('MOUNTED')))
attempt('umount', lambda: syscall(166, 39, b'mounted', 2))
for path in (b'/etc', FACTS['state'].encode(), b'/tmp', HOME.encode()):
    attempt(path, lambda: (syscall(166, 39, path, 2), say('MOUNTED')))
attempt('open_tree', lambda: (syscall(428, 428, -100, b'/', 1), say('MOUNTED')))
`,
    took: (_, printed) => printed.includes('MOUNTED'),
    expected: {
      none: untried('as root it would be taken, by mounts of the machine itself'),
      bubblewrap: fails('it has no capability, and the filter denies it besides', UNSEEN),
    },
  },
  {
    name: 'kernel/settings-written',
    wants:
      'a setting of the kernel (what runs at a crash, which namespaces there are), written below /proc or /sys',
    program: `
# What one process sets for itself, or asks to be told of.
OWN = ('/proc/pressure', '/proc/self', '/proc/thread-self')
for base in ('/proc', '/sys'):
    for top, folders, names in os.walk(base):
        if top == '/proc':
            folders[:] = [name for name in folders if not name.isdigit() and '/proc/' + name not in OWN]
        for name in names:
            try:
                os.close(os.open(os.path.join(top, name), os.O_WRONLY | os.O_NONBLOCK))
                say('OPENED', os.path.join(top, name))
            except OSError:
                pass
`,
    took: (_, printed) => printed.includes('OPENED'),
    expected: {
      none: untried('as root each would open, for the machine itself'),
      bubblewrap: fails('what of /proc is not of a process is read-only, and there is no /sys', UNSEEN),
    },
    short: true,
  },
  {
    name: 'kernel/io-uring',
    wants: 'a way past the filter of system calls',
    program: `attempt('io_uring', lambda: (syscall(425, 425, 4, ctypes.create_string_buffer(120)), say('SET UP')))`,
    took: (_, printed) => printed.includes('SET UP'),
    expected: {
      none: succeeds('the machine allows it to everybody', SAME_USER),
      bubblewrap: fails(FILTERED, UNSEEN),
    },
  },
  {
    name: 'kernel/keyring',
    wants: "what the user's keyring holds",
    program: `
def keep():
    key = syscall(248, 217, b'user', b'aether-hostile', b'secret', 6, -4)
    say('KEPT', key)
    syscall(250, 219, 3, key, 0, 0, 0)
attempt('keyring', keep)
`,
    took: (_, printed) => printed.includes('KEPT'),
    expected: {
      none: succeeds('the keyring is of the user', SAME_USER),
      bubblewrap: fails(FILTERED, UNSEEN),
    },
  },
  {
    name: 'kernel/terminal-typed',
    wants: 'to type into the terminal that it was started in, as a person does',
    program: `
import fcntl
terminal = attempt('terminal', lambda: os.open('/dev/tty', os.O_RDWR))
for bits in (0, 1 << 40):
    attempt('TIOCSTI', lambda: (syscall(16, 29, terminal, 0x5412 | bits, b'x'), say('TYPED')))
`,
    took: (_, printed) => printed.includes('TYPED'),
    expected: {
      none: succeeds('it is its own terminal, and this kernel allows it', SAME_USER),
      bubblewrap: fails(FILTERED, UNSEEN),
    },
    short: true,
  },
  {
    name: 'kernel/program-planted',
    wants: 'a program of its own in a directory that is searched for programs',
    program: `
for directory in ('/usr/local/bin', '/usr/bin'):
    name = '%s/aether-hostile-%d' % (directory, os.getpid())
    def plant():
        open(name, 'w').close()
        say('PLANTED')
        os.unlink(name)
    attempt(directory, plant)
`,
    took: (_, printed) => printed.includes('PLANTED'),
    expected: {
      none:
        process.getuid!() === 0
          ? succeeds('root may write there', SAME_USER)
          : fails('only root may write there', SAME_USER),
      bubblewrap: fails('the system is shown read-only', UNSEEN),
    },
  },
  {
    name: 'kernel/home-read',
    wants:
      'what the user keeps at home: keys of ssh, of clouds and registries, beside programs that are shown',
    program: `
for name in FACTS['kept']:
    attempt(name, lambda: say(open(name).read()))
`,
    took: ({ secrets }, printed) => printed.includes(secrets.home),
    expected: {
      none: succeeds('both are one user', SAME_USER),
      bubblewrap: fails('of the home, only programs are shown', UNSEEN),
    },
    short: true,
  },
  {
    name: 'kernel/service-path',
    wants: "the help of the user's service (a container engine, a multiplexer), at its socket",
    program: `
def reach():
    connection = connect(FACTS['outside']['socket'])
    word, files, _, _ = socket.recv_fds(connection, 100, 1)
    say(word, os.pread(files[0], 100, 0))
attempt('service', reach)
`,
    took: ({ targets }, printed) => printed.includes(targets.secret),
    expected: {
      none: succeeds('the socket is of the user; what such a service does, it does for anybody', SAME_USER),
      bubblewrap: fails('no unix socket of the machine is shown', UNSEEN),
    },
  },
  {
    name: 'kernel/service-abstract',
    wants: 'the same, and an open file with it, at a socket that has no path',
    program: `
def reach():
    connection = connect('\\0' + FACTS['outside']['abstract'])
    word, files, _, _ = socket.recv_fds(connection, 100, 1)
    say(word, os.pread(files[0], 100, 0))
attempt('service', reach)
`,
    took: ({ targets }, printed) => printed.includes(targets.secret),
    expected: {
      none: succeeds('such a socket is of the machine', SAME_USER),
      bubblewrap: fails('abstract names are of the network, and that is its own', UNSEEN),
    },
    short: true,
  },
  {
    name: 'kernel/left-open',
    wants: 'a file or directory that was left open in it by what started it',
    program: `
for name in os.listdir('/proc/self/fd'):
    link = attempt(name, lambda: os.readlink('/proc/self/fd/' + name)) or ''
    say(name, link)
    if int(name) > 2 and (link.startswith('/') or 'socket' in link or 'memfd' in link):
        if not link.startswith(HOME + '/') and not link.startswith('/proc/'):
            say('LEFT OPEN')
for pid in pids():
    for name in attempt(pid, lambda: os.listdir('/proc/%d/fd' % pid)) or []:
        link = attempt(name, lambda: os.readlink('/proc/%d/fd/%s' % (pid, name))) or ''
        if 'memfd' in link or link.startswith(FACTS['state'] + '/aether'):
            say('LEFT OPEN', pid, link)
`,
    took: (_, printed) => printed.includes('LEFT OPEN'),
    expected: {
      none: succeeds("the host's database is open in the host, whom its user may look at", SAME_USER),
      bubblewrap: fails('what it is given open is closed before it runs', UNSEEN),
    },
  },
  {
    name: 'kernel/left-in-workspace',
    wants: 'rights that stay: a file with the setuid bit, or a device',
    program: `
import stat
open('setuid', 'w').close()
attempt('mode', lambda: os.chmod('setuid', 0o4755))
attempt('device', lambda: (os.mknod('device', stat.S_IFBLK | 0o666, os.makedev(7, 0)), say('DEVICE')))
`,
    took: (scene) => {
      const stat = fs.lstatSync(join(scene.workspace('attacker'), 'device'), { throwIfNoEntry: false });
      return stat?.isBlockDevice() === true;
    },
    after: (scene) => {
      for (const name of ['setuid', 'device'])
        fs.rmSync(join(scene.workspace('attacker'), name), { force: true });
    },
    expected: {
      none:
        process.getuid!() === 0
          ? succeeds('root may make devices', SAME_USER)
          : fails('only root may', SAME_USER),
      bubblewrap: fails('it has no capability', UNSEEN),
    },
  },
];
