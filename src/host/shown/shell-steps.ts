/**
 * A shell command as the steps that run: split at ; && || | & and line ends where these are operators, with what runs
 * inside a step (in $(…), backticks, <(…), eval, sh -c, a here-document) as steps of its own. It also says what could
 * not be parsed with certainty.
 */
import { ListReader } from './shell-list.ts';
import type { Step, Steps } from './step.ts';

/** A longer text is shown as one step. */
const CHARS_MAX = 128 * 1024;

export function stepsOf(command: string): Steps {
  const all: Steps = { steps: [], unsure: [] };
  const unsure = (what: string) => {
    if (!all.unsure.includes(what)) all.unsure.push(what);
  };
  if (command.length > CHARS_MAX) {
    unsure('it is too long to be split into steps');
    all.steps.push({
      joint: '',
      text: command,
      depth: 0,
      within: null,
      kind: 'shell',
      notes: [],
      gap: null,
      times: 1,
    });
    return all;
  }
  new ListReader(command, all, unsure, 0, null).read();
  return { ...all, steps: inARow(all.steps) };
}

/** A step that is repeated is one, counted: it must not push the last one out of sight. */
function inARow(steps: readonly Step[]): Step[] {
  const kept: Step[] = [];
  for (const step of steps) {
    const last = kept.at(-1);
    const same =
      last?.text === step.text &&
      last.depth === step.depth &&
      last.within === step.within &&
      last.kind === step.kind &&
      (last.joint === step.joint || last === kept[0]) &&
      step.gap === null &&
      last.notes.join() === step.notes.join();
    if (same) last.times += 1;
    else kept.push({ ...step });
  }
  return kept;
}
