/**
 * Looks into a host from inside without the host knowing: loaded with `node --import=FILE`, it measures the
 * delay of the event loop and answers on a socket of its own. Active only in `aether host` processes that find
 * AETHER_LOOP_PROBE, the path of that socket, in their environment.
 *
 * Requests, one line each: `reset`, `read` (→ one JSON line, milliseconds and bytes), `collect` (a full garbage
 * collection first, where --expose-gc is on).
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const path = process.env.AETHER_LOOP_PROBE;

if (path !== undefined && process.argv[2] === 'host') {
  const resolution = 1;
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolution);
  rmSync(path, { force: true });
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text) => {
      for (const word of text.split('\n')) {
        if (word === 'reset') delay.reset();
        else if (word === 'collect') globalThis.gc?.();
        else if (word === 'read') {
          const { rss, heapUsed, external } = process.memoryUsage();
          const figures = {
            count: delay.count,
            mean_ms: ms(delay.mean),
            p50_ms: ms(delay.percentile(50)),
            p99_ms: ms(delay.percentile(99)),
            p999_ms: ms(delay.percentile(99.9)),
            max_ms: ms(delay.max),
            rss,
            heapUsed,
            external,
          };
          socket.write(`${JSON.stringify(figures)}\n`);
        }
      }
    });
  })
    .listen(path)
    .unref();
}
