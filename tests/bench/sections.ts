/** The sections in the order they run. */
import type { Section } from './bench.ts';
import { adoption } from './sections/adoption.ts';
import { curve } from './sections/curve.ts';
import { echo } from './sections/echo.ts';
import { flood } from './sections/flood.ts';
import { footprint } from './sections/footprint.ts';
import { inject } from './sections/inject.ts';
import { memoryGet } from './sections/memory-get.ts';
import { memoryMeaning } from './sections/memory-meaning.ts';
import { memoryMillion, memorySearch } from './sections/memory-search.ts';
import { memorySuite } from './sections/memory-suite.ts';
import { network } from './sections/network.ts';
import { openclaw } from './sections/openclaw.ts';
import { retrieval } from './sections/retrieval.ts';
import { sandbox } from './sections/sandbox.ts';
import { start } from './sections/start.ts';
import { supervisors } from './sections/supervisors.ts';

export const sections: Section[] = [
  { name: 'echo', title: 'An echo tool, beside a bare SDK server and server-memory', run: echo },
  {
    name: 'memory',
    title: 'aether_memory_get on a real host; searches and writes beside server-memory',
    run: async (bench) => [...(await memoryGet(bench)), ...(await memorySearch(bench))],
  },
  { name: 'memory-million', title: 'Searches of a million memories', run: memoryMillion },
  {
    name: 'memory-suite',
    title: 'Generated cases of memory, beside server-memory',
    run: memorySuite,
  },
  {
    name: 'memory-meaning',
    title: 'Searches by meaning, beside the same by words',
    run: memoryMeaning,
  },
  { name: 'retrieval', title: 'What searches find of conversations in a file', run: retrieval },
  { name: 'start', title: 'From `aether start` to the first model request', run: start },
  { name: 'sandbox', title: 'What a sandbox adds to the start of an agent', run: sandbox },
  { name: 'footprint', title: 'Memory of shim and bridge', run: footprint },
  { name: 'inject', title: 'A message to the real engine, until its model has it', run: inject },
  { name: 'openclaw', title: 'An OpenClaw agent, beside the same package by hand', run: openclaw },
  { name: 'network', title: 'The network of a run, beside a direct connection', run: network },
  { name: 'adoption', title: 'A new host adopts the runs of a killed one', run: adoption },
  { name: 'curve', title: 'From 10 to 100 agents on one host', run: curve },
  { name: 'flood', title: 'An agent that prints without end, beside tmux', run: flood },
  { name: 'supervisors', title: 'Restarts and memory, beside pm2 and supervisord', run: supervisors },
];
