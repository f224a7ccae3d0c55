/**
 * The floor under every bridge: two processes that pass the bytes of an echo on and do nothing else. What they need
 * is the machine's price for the way of a call through a second process and back, whatever is served at its end.
 *
 *   node bare-relay.mjs serve SOCKET
 *   node bare-relay.mjs relay SOCKET
 */
import { connect, createServer } from 'node:net';

const [, , role, path] = process.argv;

function answer(line) {
  const { id, params } = JSON.parse(line);
  if (id === undefined) return '';
  const text = params?.arguments?.text ?? '';
  return `${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } })}\n`;
}

function serve(socket) {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    socket.write(lines.map(answer).join(''));
  });
  socket.on('error', () => socket.destroy());
}

if (role === 'serve') {
  createServer(serve).listen(path, () => process.stdout.write('ready\n'));
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  const socket = connect(path);
  socket.on('data', (bytes) => process.stdout.write(bytes)).on('close', () => process.exit(0));
  process.stdin.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.end());
}
