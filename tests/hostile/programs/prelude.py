"""Before each attack: what its agent knows of the fleet, which is everything, and what many attacks do."""
import atexit, ctypes, json, os, signal, socket, sys, time

NUMBER = sys.argv[1]
FACTS = json.load(open('orders/facts.json'))
HOME = os.getcwd()
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def note(suffix):
    open('%s/orders/%s.%s' % (HOME, NUMBER, suffix), 'w').close()


def ready():
    note('ready')


def wait_for(name, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if os.path.exists('%s/orders/%s.%s' % (HOME, NUMBER, name)):
            return True
        time.sleep(0.02)
    return False


atexit.register(note, 'done')


def say(*words):
    print(*words, flush=True)


def attempt(what, action):
    """What it gave, or None; an error is told and is the end of this attempt only."""
    try:
        return action()
    except Exception as error:
        say(what, type(error).__name__, error)


def leave():
    """Goes on in a process that nothing ties to the agent: no parent, session, environment or control group of it."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    for line in open('/proc/self/mounts'):
        _, point, kind, options = line.split()[:4]
        if kind == 'cgroup2' or (kind == 'cgroup' and 'freezer' in options):
            attempt('leaving ' + point, lambda: open(point + '/cgroup.procs', 'w').write(str(os.getpid())))
    # Its environment can be read by others as it was at its start: so a new start.
    if os.environ.get('LEFT') is None:
        os.execve(sys.executable, [sys.executable, '-B', *sys.argv], {'LEFT': '1'})


def syscall(x64, arm64, *arguments):
    number = x64 if os.uname().machine == 'x86_64' else arm64
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(number), *words)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got


def receive(connection, until, seconds):
    connection.settimeout(seconds)
    got = b''
    try:
        while until is None or until not in got:
            part = connection.recv(65536)
            if not part:
                break
            got += part
    except OSError as error:
        got += str(error).encode()
    return got.decode('utf8', 'replace')


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(3)
    connection.connect(path)
    return connection


def operate(connection):
    """Asks the host, as its operator does, to tell the victim something."""
    order = {'agent': 'victim', 'text': FACTS['order']}
    connection.sendall((json.dumps({'id': 1, 'verb': 'inject', 'input': order}) + '\n').encode())
    say(receive(connection, b'"id":', 3))


def tool(path, name, arguments):
    """Calls a tool at a run's socket, as the bridge of an engine does."""
    connection = connect(path)
    instance = 'attack-%s-%d' % (NUMBER, os.getpid())
    hello = {'aether': 'bridge', 'protocol': 1, 'instance': instance, 'resumed': False}
    client = {'protocolVersion': '2025-11-25', 'capabilities': {}, 'clientInfo': {'name': 'x', 'version': '1'}}
    messages = [
        {'jsonrpc': '2.0', 'id': 1, 'method': 'initialize', 'params': client},
        {'jsonrpc': '2.0', 'method': 'notifications/initialized'},
        {'jsonrpc': '2.0', 'id': 2, 'method': 'tools/call', 'params': {'name': name, 'arguments': arguments}},
    ]
    lines = [json.dumps(hello)] + ['%d 0 %s' % (n + 1, json.dumps(m)) for n, m in enumerate(messages)]
    connection.sendall(('\n'.join(lines) + '\n').encode())
    answer = receive(connection, b'"id":2', 5)
    say(answer)
    return connection, answer


def pids():
    return [int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]


def search_memory(pid, word):
    """What another process's memory holds from this word on; None when it does not."""
    with open('/proc/%d/maps' % pid) as maps, open('/proc/%d/mem' % pid, 'rb', 0) as memory:
        for line in maps:
            span, access, *rest = line.split()
            if not access.startswith('rw') or (len(rest) > 3 and rest[3].startswith('/')):
                continue
            start, end = (int(part, 16) for part in span.split('-'))
            if end - start > 64 << 20:
                continue
            try:
                memory.seek(start)
                held = memory.read(end - start)
                if word in held:
                    return held[held.index(word):][:200]
            except (OSError, ValueError):
                pass
    return None
