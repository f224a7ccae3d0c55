/** Every verb by its name. Written by `npm run generate` from the definitions in this folder; not edited by hand. */
import { adopt, conversations } from './adopt.ts';
import { agent, agents, followAgents } from './agents.ts';
import { answerApproval, approvals } from './approvals.ts';
import { events, follow, logs } from './events.ts';
import { apply, consoleLink, down, info, plan } from './host.ts';
import { changes, handback, leaseBeat, takeover } from './leases.ts';
import { hold, interrupt, kill, pause, restart, resume, start, stop } from './lifecycle.ts';
import { ackOperatorMail, operatorMail } from './mail.ts';
import {
  editMemory,
  feedback,
  forgetMemory,
  importMemories,
  memories,
  memory,
  memoryQuota,
  pinMemory,
  redactMemory,
} from './memories.ts';
import { cancelInjection, inject, injection, injections } from './messages.ts';
import { attach, lastTerminal, terminalResize, terminalUse, terminalWrite } from './terminals.ts';
import { widen } from './widen.ts';

export const verbs = {
  adopt,
  conversations,
  agent,
  agents,
  followAgents,
  answerApproval,
  approvals,
  events,
  follow,
  logs,
  apply,
  consoleLink,
  down,
  info,
  plan,
  changes,
  handback,
  leaseBeat,
  takeover,
  hold,
  interrupt,
  kill,
  pause,
  restart,
  resume,
  start,
  stop,
  ackOperatorMail,
  operatorMail,
  editMemory,
  feedback,
  forgetMemory,
  importMemories,
  memories,
  memory,
  memoryQuota,
  pinMemory,
  redactMemory,
  cancelInjection,
  inject,
  injection,
  injections,
  attach,
  lastTerminal,
  terminalResize,
  terminalUse,
  terminalWrite,
  widen,
};
