/** Terminals: watched by every operator of the host, typed into by the holder of the lease. */
import { z } from 'zod';
import type { TerminalBytes, TerminalItem, TerminalViewer } from '../api.ts';
import { limits } from '../limits.ts';
import { aboutAgent, agentName, generation, size } from './input.ts';
import { requireHolder } from './legal.ts';
import { defineVerb, OPERATORS } from './verb.ts';

export const attach = defineVerb({
  kind: 'stream',
  name: 'attach',
  summary: 'The present screen of an agent, then what its terminal prints. Nothing is stopped or resized.',
  input: aboutAgent,
  who: OPERATORS,
  legal({ name, state, hasTerminal }) {
    if (hasTerminal) return null;
    return state === 'running' || state === 'starting' || state === 'created'
      ? `${name} runs without a terminal; take over to get one.`
      : `${name} is ${state}.`;
  },
  // Without a terminal the viewer waits for one.
  advice: true,
  encode: (item: TerminalBytes): TerminalItem =>
    item.kind === 'reset' ? item : { ...item, data: item.data.toString('base64') },
  run(rooms, { agent }, sink) {
    // Live bytes may arrive before view() has returned the replay that comes first.
    let early: TerminalBytes[] | null = [];
    let paused = false;
    let viewer: TerminalViewer | null = null;
    const live = (item: TerminalBytes) => {
      if (early) early.push(item);
      else sink.item(item);
      if (!paused && viewer && sink.full()) {
        paused = true;
        viewer.pause();
      }
    };
    const opened = rooms.terminals.view(
      agent,
      (chunk) => live({ kind: 'chunk', ...chunk }),
      (info) => live({ kind: 'reset', info }),
    );
    viewer = opened;
    sink.item({ kind: 'replay', data: opened.replay, info: opened.info });
    for (const item of early) sink.item(item);
    early = null;
    return {
      drained() {
        if (!paused) return;
        paused = false;
        opened.resume();
      },
      close: () => opened.close(),
    };
  },
});

export const lastTerminal = defineVerb({
  kind: 'call',
  name: 'lastTerminal',
  summary: 'The newest bytes that an agent without a run printed to its terminal, in base64.',
  input: aboutAgent,
  who: OPERATORS,
  reads: true,
  run: (rooms, { agent }) => rooms.terminals.last(agent).toString('base64'),
});

export const terminalWrite = defineVerb({
  kind: 'call',
  name: 'terminalWrite',
  summary: 'Keystrokes of the holder of the lease.',
  input: z.strictObject({
    agent: agentName,
    generation,
    data: z.string().max(limits.control_line_bytes_max),
  }),
  who: OPERATORS,
  run(rooms, { agent, generation, data }, { label }) {
    requireHolder(rooms.takeover.lease(agent), generation, label);
    rooms.terminals.write(agent, generation, data);
  },
});

export const terminalResize = defineVerb({
  kind: 'call',
  name: 'terminalResize',
  summary: "The size of the holder's window.",
  input: z.strictObject({ agent: agentName, generation, ...size }),
  who: OPERATORS,
  run(rooms, { agent, generation, cols, rows }, { label }) {
    requireHolder(rooms.takeover.lease(agent), generation, label);
    rooms.terminals.resize(agent, generation, cols, rows);
  },
});
