/** The keyboard. Letters act unless a text field has focus; a key whose target is out of sight only moves there. */
import type { AgentVerb } from '../../console-protocol.ts';
import { ACTIONS, actionOf } from '../agent/verbs.ts';
import { showNote } from '../ui/toasts.tsx';
import { answer } from './actions.ts';
import { go, place, TABS } from './place.ts';
import { agents, approvals, dialog, inboxOpen, live } from './store.ts';

let afterG = false;

export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (
      (event.ctrlKey || event.metaKey) &&
      event.key.toLowerCase() === 'k' &&
      !event.altKey &&
      !event.shiftKey
    ) {
      event.preventDefault();
      dialog.value = dialog.value?.kind === 'palette' ? null : { kind: 'palette' };
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.value !== null)
      return;
    if (typing(event.target as Element)) {
      // In a terminal Escape is the program's.
      const terminal = (event.target as Element).closest('.xterm') !== null;
      if (event.key === 'Escape' && !terminal) (event.target as HTMLElement).blur();
      return;
    }
    const second = afterG;
    afterG = event.key === 'g';
    if (second ? goTo(event.key) : press(event.key)) event.preventDefault();
  });
}

function typing(target: Element): boolean {
  return target.matches('input:not([type=radio]), textarea, select, [contenteditable]');
}

function goTo(key: string): boolean {
  if (key === 'f') {
    go({ at: 'fleet' });
    focusFirst('[data-pane=fleet] [data-nav]');
  } else if (key === 'i') {
    showInbox();
    focusFirst('[data-pane=inbox] [data-nav]');
  } else if (key === 'm') {
    go({ at: 'memory', memory: null, asked: '' });
  } else return false;
  return true;
}

/** @returns true when the key meant something. */
function press(key: string): boolean {
  switch (key) {
    case 'j':
      return step(1);
    case 'k':
      return step(-1);
    case '/':
      (document.getElementById('memory-search') ?? document.getElementById('fleet-filter'))?.focus();
      return true;
    case '?':
      dialog.value = { kind: 'help' };
      return true;
    case 'Escape':
      inboxOpen.value = false;
      return false;
    case 'a':
    case 'd':
      return decide(key === 'a');
    case 's':
      return verb(currentAgent()?.verbs.start === null ? 'start' : 'stop');
  }
  const action = ACTIONS.find((one) => one.key === key);
  if (action) return verb(action.verb);
  return /^[1-9]$/.test(key) && (choose(Number(key)) || tab(Number(key)));
}

function currentAgent() {
  const focused = document.activeElement?.closest<HTMLElement>('[data-agent]')?.dataset.agent;
  const name = focused ?? (place.value.at === 'agent' ? place.value.agent : undefined);
  return name === undefined ? undefined : agents.value.get(name);
}

/** What may not be done now does nothing, and says why. */
function verb(name: AgentVerb): boolean {
  const agent = currentAgent();
  if (!agent || !live.value) return false;
  const whyNot = agent.verbs[name];
  if (whyNot === null) actionOf(name).run(agent);
  else showNote(whyNot);
  return true;
}

function tab(number: number): boolean {
  const to = TABS[number - 1];
  if (place.value.at !== 'agent' || to === undefined) return false;
  go({ at: 'agent', agent: place.value.agent, tab: to });
  return true;
}

/** Between the rows of the pane that has focus; the fleet's otherwise. */
function step(by: number): boolean {
  const pane = document.activeElement?.closest('[data-pane]') ?? document.querySelector('[data-pane=fleet]');
  const rows = [...(pane?.querySelectorAll<HTMLElement>('[data-nav]') ?? [])].filter(
    (row) => row.offsetParent,
  );
  if (rows.length === 0) return false;
  const active = document.activeElement?.closest<HTMLElement>('[data-nav]');
  const from = active ? rows.indexOf(active) : rows.findIndex((row) => row.getAttribute('aria-current'));
  const to = from < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, from + by));
  rows[to]!.focus();
  rows[to]!.scrollIntoView({ block: 'nearest' });
  return true;
}

function focusFirst(selector: string): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>(selector)?.focus());
}

/** On a phone the inbox is a page, elsewhere a column or a sheet over the agent. */
function showInbox(): void {
  if (matchMedia('(max-width: 719px)').matches) go({ at: 'inbox' });
  else inboxOpen.value = true;
}

function focusedApproval() {
  const id = document.activeElement?.closest<HTMLElement>('[data-approval]')?.dataset.approval;
  return id === undefined ? undefined : approvals.value.find((approval) => approval.id === id);
}

/** The first press goes to the question, the second answers it: nothing is allowed unseen. */
function decide(allow: boolean): boolean {
  const focused = focusedApproval();
  if (focused) {
    if (focused.kind !== 'permission' || !live.value) return false;
    const cards = [...document.querySelectorAll<HTMLElement>('[data-pane=inbox] [data-approval]')];
    const at = cards.findIndex((card) => card.dataset.approval === focused.id);
    const next = cards[at + 1] ?? cards[at - 1];
    void answer(focused, { allow }).then(() => next?.focus());
    return true;
  }
  const agent = currentAgent();
  const first =
    document.querySelector<HTMLElement>('.live [data-approval]') ??
    document.querySelector<HTMLElement>('[data-pane=inbox] [data-approval]');
  if (!agent && !first) return false;
  if (first?.offsetParent) {
    first.focus();
    first.scrollIntoView({ block: 'nearest' });
    return true;
  }
  if (approvals.value.length === 0) return false;
  showInbox();
  focusFirst('[data-pane=inbox] [data-approval]');
  return true;
}

function choose(number: number): boolean {
  const focused = focusedApproval();
  if (focused?.kind !== 'question' || !Array.isArray(focused.detail.choices)) return false;
  const choice = focused.detail.choices[number - 1];
  if (choice === undefined || !live.value) return false;
  void answer(focused, { text: String(choice) });
  return true;
}
