/**
 * Connects to a unix socket whose queue may be full. The system does not let a connection that must not block
 * wait in that case: it fails with EAGAIN, for as long as others connect faster than the server accepts. So it is
 * tried again until there is room.
 */
import { connect, type Socket } from 'node:net';

const RETRY_MS_MIN = 2;
const RETRY_MS_MAX = 20;

/**
 * @param patience_ms how long a full queue is tried again
 * @returns a connected socket; its 'error' event is unheard again
 * @throws the system's error (ENOENT, ECONNREFUSED, EACCES, EAGAIN after all, …)
 */
export async function connectUnix(path: string, patience_ms: number): Promise<Socket> {
  const deadline = performance.now() + patience_ms;
  for (let wait_ms = RETRY_MS_MIN; ; wait_ms = Math.min(wait_ms * 2, RETRY_MS_MAX)) {
    try {
      return await connectOnce(path);
    } catch (error) {
      const full = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (!full || performance.now() + wait_ms > deadline) throw error;
      // Not all at the same moment.
      await new Promise((resolve) => setTimeout(resolve, wait_ms * (0.5 + Math.random() / 2)));
    }
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}
