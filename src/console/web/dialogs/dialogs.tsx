/** The dialog that is open, if one is. One that loses its agent closes. */
import { agents, dialog } from '../state/store.ts';
import { ConfirmDialog } from './confirm.tsx';
import { HandbackDialog } from './handback.tsx';
import { Help } from './help.tsx';
import { Palette } from './palette.tsx';
import { TakeoverDialog } from './takeover.tsx';

export function Dialogs() {
  const open = dialog.value;
  if (open === null) return null;
  if (open.kind === 'palette') return <Palette />;
  if (open.kind === 'help') return <Help />;
  const agent = agents.value.get(open.agent);
  if (!agent) return null;
  if (open.kind === 'takeover') return <TakeoverDialog agent={agent} />;
  if (open.kind === 'handback') return <HandbackDialog agent={agent} />;
  return <ConfirmDialog agent={agent} verb={open.verb} />;
}
