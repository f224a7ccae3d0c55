/** A system notification when an agent asks while the page is hidden; only if the operator switched it on. */
import { effect } from '@preact/signals';
import type { ApprovalView } from '../../console-protocol.ts';
import { go } from './place.ts';
import { approvals } from './store.ts';

export const canNotify = (): boolean => 'Notification' in window && Notification.permission === 'default';

export async function askToNotify(): Promise<void> {
  await Notification.requestPermission();
}

export function startNotify(): void {
  let known: Set<string> | null = null;
  effect(() => {
    const open = approvals.value;
    const before = known;
    known = new Set(open.map((approval) => approval.id));
    if (!before || !document.hidden || !('Notification' in window) || Notification.permission !== 'granted')
      return;
    for (const approval of open) {
      if (before.has(approval.id)) continue;
      void notify(approval);
    }
  });
}

/** What makes its text safe to judge is no part of the first load. */
async function notify(approval: ApprovalView): Promise<void> {
  const { noticeOf } = await import('../../../host/shown/notice.ts');
  const notification = new Notification(`${approval.agent} asks`, {
    body: noticeOf(approval),
    tag: approval.id,
  });
  notification.onclick = () => {
    focus();
    go({ at: 'inbox' });
    notification.close();
  };
}
