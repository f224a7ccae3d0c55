/** Names of verbs. Written by `npm run generate` from the definitions in this folder; not edited by hand. */

/** Those that are legal or not depending on the state of an agent. */
export type AgentVerb =
  | 'handback'
  | 'takeover'
  | 'hold'
  | 'interrupt'
  | 'kill'
  | 'pause'
  | 'restart'
  | 'resume'
  | 'start'
  | 'stop'
  | 'inject'
  | 'attach'
  | 'widen';
