/** Terminals: watched by every operator of the host, typed into by the holder of the lease. */
import { z } from 'zod';
import type { TerminalBytes, TerminalItem, TerminalViewer } from '../api.ts';
import { limits } from '../limits.ts';
import { aboutAgent, agentName, generation, size } from './input.ts';
import { requireHolder } from './legal.ts';
import { defineVerb, OPERATORS } from './verb.ts';

/** As the stream `attach` names it in `sized`. */
const viewer = z.string().max(100);

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
    item.kind === 'screen' || item.kind === 'chunk' ? { ...item, data: item.data.toString('base64') } : item,
  run(rooms, { agent }, sink) {
    let paused = false;
    let viewer: TerminalViewer | null = null;
    viewer = rooms.terminals.view(agent, (item) => {
      sink.item(item);
      if (paused || viewer === null || !sink.full()) return;
      paused = true;
      viewer.pause();
    });
    const opened = viewer;
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
    viewer: viewer.optional(),
  }),
  who: OPERATORS,
  run(rooms, { agent, generation, data, viewer }, { label }) {
    requireHolder(rooms.takeover.lease(agent), generation, label);
    rooms.terminals.write(agent, generation, data, viewer);
  },
});

const CELL_PX_MAX = 1_000;
const terminalLook = z.strictObject({
  theme: z.enum(['dark', 'light']),
  cell: z
    .strictObject({
      width_px: z.int().min(1).max(CELL_PX_MAX),
      height_px: z.int().min(1).max(CELL_PX_MAX),
    })
    .optional(),
});

export const terminalResize = defineVerb({
  kind: 'call',
  name: 'terminalResize',
  summary: 'The size of a window of the holder. With a viewer it applies while that viewer decides the size.',
  input: z.strictObject({
    agent: agentName,
    generation,
    ...size,
    look: terminalLook.optional(),
    viewer: viewer.optional(),
  }),
  who: OPERATORS,
  run(rooms, { agent, generation, cols, rows, look, viewer }, { label }) {
    requireHolder(rooms.takeover.lease(agent), generation, label);
    rooms.terminals.resize(
      agent,
      generation,
      { cols, rows, ...(look === undefined ? {} : { look }) },
      viewer,
    );
  },
});

export const terminalUse = defineVerb({
  kind: 'call',
  name: 'terminalUse',
  summary: 'A viewer of the holder was clicked or focused: it decides the size of the terminal from now on.',
  input: z.strictObject({ agent: agentName, generation, viewer }),
  who: OPERATORS,
  run(rooms, { agent, generation, viewer }, { label }) {
    requireHolder(rooms.takeover.lease(agent), generation, label);
    rooms.terminals.use(agent, generation, viewer);
  },
});
