/** Prints what one connection to the answering server does: `direct` or the port of a proxy, its port, trips, megabytes. */
import { connect } from 'node:net';

const [via, port, trips, megabytes] = process.argv.slice(2);
const socket = connect({ port: Number(via === 'direct' ? port : via), host: '127.0.0.1', noDelay: true });
const next = () => new Promise((resolve) => socket.once('data', resolve));

if (via !== 'direct') {
  socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const answer = String(await next());
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(answer);
}
const times = [];
for (let trip = 0; trip < Number(trips); trip += 1) {
  const begun = performance.now();
  socket.write('x');
  await next();
  times.push(performance.now() - begun);
}
times.sort((a, b) => a - b);
const bytes = Number(megabytes) * 1_000_000;
const begun = performance.now();
socket.write(`${bytes}\n`);
await new Promise((resolve) => {
  let got = 0;
  socket.on('data', (chunk) => {
    got += chunk.length;
    if (got >= bytes) resolve();
  });
});
const took_s = (performance.now() - begun) / 1_000;
console.log(
  JSON.stringify({ trip_ms: times[times.length >> 1], megabytes_per_s: Number(megabytes) / took_s }),
);
socket.destroy();
