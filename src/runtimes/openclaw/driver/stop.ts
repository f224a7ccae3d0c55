/** Ends what the gateway is doing, of the agent and of its subagents, and empties its queues. */
import { record } from './blocks.ts';
import type { Channel } from './channel.ts';

const SESSIONS_MAX = 200;

/** @param own the agent's conversation: also where it is not listed, for what is queued there */
export async function abortAll(channel: Channel, own: string): Promise<void> {
  const list = await channel
    .call('sessions.list', { activeOnly: true, limit: SESSIONS_MAX })
    .catch(() => ({}) as Record<string, unknown>);
  const sessions = Array.isArray(list.sessions) ? list.sessions.map(record) : [];
  const keys = sessions.flatMap(({ key }) => (typeof key === 'string' ? [key] : []));
  const aborts = [...new Set([own, ...keys])].map((key) =>
    channel.call('sessions.abort', { key, clearQueued: true }),
  );
  // One that is not there has nothing to end.
  await Promise.allSettled(aborts);
}
