/** The dialog that is open. It closes when its agent is removed. Loaded at the first key or click. */
import { agents, type Dialog } from '../state/store.ts';
import { ConfirmDialog } from './confirm.tsx';
import { HandbackDialog } from './handback.tsx';
import { Help } from './help.tsx';
import { TakeoverDialog } from './takeover.tsx';

export function OpenDialog({ open }: { open: Exclude<Dialog, { kind: 'palette' | 'own' }> }) {
  if (open.kind === 'help') return <Help />;
  const agent = agents.value.get(open.agent);
  if (!agent) return null;
  if (open.kind === 'takeover') return <TakeoverDialog agent={agent} />;
  if (open.kind === 'handback') return <HandbackDialog agent={agent} />;
  return <ConfirmDialog agent={agent} verb={open.verb} />;
}
