/** The loop at a terminal: prints what happens, and asks the person who sits there. */
import type { Answer, Front, Question, Verdict } from '../front.ts';
import type { ObservedEvent } from '../loop-protocol.ts';
import type { Mask } from '../secrets.ts';
import { callLine, clean, paint, resultLines } from './paint.ts';
import { Screen } from './screen.ts';

export class TerminalFront implements Front {
  readonly screen = new Screen();
  readonly #mask: Mask;
  #streamed: 'text' | 'thinking' | null = null;
  /** The present reply was on the screen while it was written: its events do not print it again. */
  #seenWriting = false;
  #question: ((line: string) => void) | null = null;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  emit(event: ObservedEvent): void {
    switch (event.kind) {
      case 'activity':
        if (event.activity === 'thinking') this.#seenWriting = false;
        break;
      case 'message':
        this.#message(event);
        break;
      case 'tool-call':
        this.#endStream();
        this.screen.line(callLine(event.tool, event.input));
        break;
      case 'tool-result':
        this.screen.line(resultLines(this.#mask(event.text), event.isError));
        break;
      case 'retrying':
        this.#endStream();
        this.screen.line(
          paint(
            'yellow',
            `${this.#safe(event.why)} Trying again in ${Math.round(event.delay_ms / 100) / 10} s.`,
          ),
        );
        break;
      case 'note':
        this.#endStream();
        this.screen.line(paint(event.level === 'error' ? 'red' : 'yellow', this.#safe(event.text)));
        break;
      case 'turn-ended':
        this.#endStream();
        if (event.outcome === 'interrupted') this.screen.line(paint('yellow', 'Interrupted.'));
        break;
    }
  }

  delta(kind: 'text' | 'thinking', text: string): void {
    if (this.#streamed !== kind) this.#endStream();
    this.#streamed = kind;
    this.#seenWriting = true;
    const safe = this.#safe(text);
    this.screen.stream(kind === 'thinking' ? paint('dim', safe) : safe);
  }

  /** It is seen writing. */
  alive(): void {}

  /** Who holds the terminal decides for themselves: their turns pass. */
  async gate(): Promise<Verdict> {
    return { verdict: 'pass', message: null };
  }

  /** The host remembers, and a terminal has no channel to it. */
  async recall(): Promise<null> {
    return null;
  }

  /** Only a plain yes lets a tool run; what was being typed is put aside so that it cannot be the answer. */
  ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const draft = this.screen.takeDraft();
    this.#endStream();
    this.screen.line(paint('yellow', `Allow ${clean(question.tool)}?`));
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#question = null;
        signal.removeEventListener('abort', giveUp);
        this.screen.hidePrompt();
        this.screen.putDraft(draft);
      };
      const giveUp = () => {
        done();
        reject(signal.reason);
      };
      this.#question = (line) => {
        const answer = line.trim().toLowerCase();
        if (answer === 'y' || answer === 'yes') {
          done();
          resolve({ allow: true, message: null });
        } else if (answer === 'n' || answer === 'no') {
          done();
          resolve({ allow: false, message: 'The operator did not allow it.' });
        } else {
          this.screen.prompt('y or n: ');
        }
      };
      signal.addEventListener('abort', giveUp);
      this.screen.prompt('[y/n] ');
    });
  }

  /** A typed line belongs to the question, if one is open. */
  answered(line: string): boolean {
    if (!this.#question) return false;
    this.#question(line);
    return true;
  }

  #message(event: Extract<ObservedEvent, { kind: 'message' }>): void {
    if (event.role === 'user') return; // Typed here: it is on the screen.
    this.#endStream();
    if (this.#seenWriting) return;
    this.screen.line(event.thinking ? paint('dim', this.#safe(event.text)) : this.#safe(event.text));
  }

  #endStream(): void {
    if (this.#streamed !== null) this.screen.endLine();
    this.#streamed = null;
  }

  #safe(text: string): string {
    return this.#mask(clean(text));
  }
}
