/**
 * OpenClaw as an engine: a driver of ours starts its gateway, speaks to it over its WebSocket, and has a plugin in it that
 * asks before every tool call. The host speaks with the driver in lines; a person's terminal stands beside it.
 */
import { join } from 'node:path';
import type { AgentSpec, LoadedPath, RunPlace, Runtime } from '../runtime.ts';
import { detectOpenClaw } from './detect.ts';
import { GATE_WAIT_MS } from './driver/driver-protocol.ts';
import { engineSpec, frame, terminalSpec } from './launch.ts';
import { openclawObserver } from './observer.ts';
import { leftovers, pathsOf } from './paths.ts';
import { findOpenClaw, type OpenClawOptions } from './program.ts';
import { factsOf } from './tools.ts';

/** The driver, the gateway and what that starts, after a few turns. */
const MEMORY_BYTES = 1_200_000_000;

/** What it loads and never writes: its settings, and what it would load of the agent's own directory. */
function loadsFrom(
  { workspace, options }: Pick<AgentSpec, 'workspace' | 'options'>,
  place: RunPlace,
): LoadedPath[] {
  const openclaw = findOpenClaw((options as Partial<OpenClawOptions>).bin ?? null, place.path);
  const { config, terminalConfig, settings, gate } = pathsOf(place);
  return [
    { path: config, kind: 'settings' },
    { path: terminalConfig, kind: 'settings' },
    { path: settings, kind: 'rights' },
    { path: gate, kind: 'code' },
    // Plugins and settings that its repository holds: the gateway's list of plugins leaves them out, too.
    { path: join(workspace, '.openclaw'), kind: 'code' },
    // It may be installed in a workspace.
    ...('what' in openclaw ? [] : [{ path: openclaw.installation, kind: 'code' } as const]),
    ...leftovers(place).map((path): LoadedPath => ({ path, kind: 'code' })),
  ];
}

/** @param version of this package, which the gateway is told */
export function openclawRuntime(version: string): Runtime {
  return {
    name: 'openclaw',
    capabilities: {
      engine: 'structured',
      takeover: 'beside',
      receipts: 'acted',
      resume: true,
      turns: {
        second: { is: 'folded', grade: 'observed' },
        asks: { is: 'everything', grade: 'observed' },
        conversation: { is: 'shared', grade: 'observed' },
      },
      gate: { wait_ms_max: GATE_WAIT_MS },
      recall: ['start', 'compaction'],
      memory_bytes: MEMORY_BYTES,
    },
    detect: detectOpenClaw,
    prepare: (agent, place, state, resume) => engineSpec(agent, place, state, resume, version),
    terminal: terminalSpec,
    loadsFrom,
    observer: openclawObserver,
    message: ({ id, text, priority }) => frame(id, { type: 'message', id, text, priority }),
    interrupt: (requestId) => frame(`interrupt:${requestId}`, { type: 'interrupt', requestId }),
    permission: ({ requestId, allow, message }) =>
      frame(`permission:${requestId}`, { type: 'permission', requestId, allow, message }),
    gate: ({ requestId, verdict, message }) =>
      frame(`gate:${requestId}`, { type: 'gate', requestId, verdict, message }),
    recall: ({ requestId, text }) => frame(`recall:${requestId}`, { type: 'recall', requestId, text }),
    callFacts: factsOf,
    cancel: (id) => frame(`cancel:${id}`, { type: 'cancel', id }),
  };
}
