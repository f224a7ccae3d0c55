/**
 * Claude Code as an engine: driven over its structured channel while no person holds it, and as its own terminal
 * program over the same conversation while a person does.
 */

import { limits } from '../../host/limits.ts';
import type { Runtime } from '../runtime.ts';
import { claudeAdoption } from './adopt.ts';
import { detectClaudeCode } from './detect.ts';
import { cancelFrame, interruptFrame, messageFrame, permissionFrame } from './frames.ts';
import { callFacts, gateFrame, installGateFrame, recallFrame } from './gate.ts';
import { engineSpec, terminalSpec } from './launch.ts';
import { loadsFrom } from './loads-from.ts';
import { claudeObserver } from './observer.ts';
import { sessionOf, transcriptPath } from './paths.ts';
import { transcriptTail } from './tail.ts';

export const claudeCodeRuntime: Runtime = {
  name: 'claude-code',
  capabilities: {
    engine: 'structured',
    takeover: 'swap',
    receipts: 'acted',
    resume: true,
    turns: {
      second: { is: 'folded', grade: 'observed' },
      asks: { is: 'everything', grade: 'enforced' },
      conversation: { is: 'lost', grade: 'observed' },
    },
    gate: { wait_ms_max: limits.gate_wait_ms },
    recall: ['start', 'compaction'],
  },
  detect: detectClaudeCode,
  prepare: engineSpec,
  terminal: terminalSpec,
  loadsFrom,
  observer: claudeObserver,
  tail: (_agent, place, state) => transcriptTail(transcriptPath(place, sessionOf(place, state))),
  message: ({ id, text, priority }) => messageFrame(id, text, priority),
  interrupt: interruptFrame,
  permission: permissionFrame,
  gate: gateFrame,
  recall: recallFrame,
  callFacts,
  installGate: installGateFrame,
  cancel: cancelFrame,
  adoption: claudeAdoption,
};
