/**
 * The terminal mode: a person holds the conversation for a while. What they type is a message like any other;
 * after /exit the host starts the structured mode again on the same conversation.
 */
import type { Agent } from '../agent.ts';
import type { Conversation } from '../conversation.ts';
import { entryEvents } from '../entries.ts';
import type { LoopSettings } from '../loop-protocol.ts';
import type { TerminalFront } from './front.ts';
import { callLine, clean, paint, resultLines } from './paint.ts';

/** Entries of the conversation shown at the start. */
const RECENT = 40;

const HELP = `Type to talk to the agent; it is the conversation it had before, and continues it afterwards.
  /help   this text
  /exit   leave; the agent goes on by itself
  Ctrl-C  interrupt the running turn`;

/** Resolves when the person leaves. */
export function runTerminal(
  agent: Agent,
  front: TerminalFront,
  conversation: Conversation,
  settings: LoopSettings,
): Promise<void> {
  const { screen } = front;
  const { editor } = screen;
  for (const text of recent(conversation)) screen.line(text);
  screen.line(paint('bold', `${settings.agent}`) + paint('dim', ` · ${settings.model} · /help, /exit`));
  return new Promise((resolve) => {
    const leave = () => {
      screen.close();
      resolve();
    };
    const showPrompt = () => {
      if (!agent.busy) screen.prompt();
    };
    editor.on('line', (line) => {
      screen.entered();
      const text = line.trim();
      if (text === '/exit') return leave();
      if (front.answered(line)) return;
      if (text === '/help') screen.line(HELP);
      else if (text !== '') {
        if (agent.busy) screen.line(paint('dim', `› ${clean(text)} (after the running step)`));
        agent.deliver(null, text, 'next');
      }
      showPrompt();
    });
    editor.on('SIGINT', () => {
      if (agent.busy) agent.interrupt('terminal');
      else {
        screen.takeDraft();
        screen.line(paint('dim', '/exit leaves'));
        showPrompt();
      }
    });
    editor.once('close', resolve);
    agent.start({ queued: 'leave', onIdle: showPrompt });
  });
}

function recent(conversation: Conversation): string[] {
  return conversation.entries.slice(-RECENT).flatMap((entry) =>
    entryEvents(entry).flatMap((event) => {
      if (event.kind === 'tool-call') return [callLine(event.tool, event.input)];
      if (event.kind === 'tool-result') return [resultLines(event.text, event.isError)];
      if (event.kind !== 'message' || event.thinking) return [];
      return [event.role === 'user' ? paint('green', `› ${clean(event.text)}`) : clean(event.text)];
    }),
  );
}
