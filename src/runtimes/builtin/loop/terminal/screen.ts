/**
 * One terminal shared by a line editor and a program that prints. While a turn prints, the editor is mute:
 * keys still edit its line, which is drawn again with the next prompt. Otherwise half a typed word and half an
 * answer would end up in one line.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

const PROMPT = '› ';

class EditorOutput extends Writable {
  mute = false;
  readonly isTTY = true;

  get columns(): number {
    return process.stdout.columns ?? 80;
  }

  get rows(): number {
    return process.stdout.rows ?? 24;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.mute) process.stdout.write(chunk);
    done();
  }
}

export class Screen {
  readonly #editorOutput = new EditorOutput();
  readonly editor: Interface;
  /** Whether the cursor is at the start of a line. */
  #fresh = true;

  constructor() {
    this.#editorOutput.mute = true;
    this.editor = createInterface({
      input: process.stdin,
      output: this.#editorOutput,
      terminal: process.stdin.isTTY === true,
      prompt: PROMPT,
      historySize: 200,
    });
    process.stdout.on('resize', () => this.#editorOutput.emit('resize'));
  }

  /** Prints text as it comes, without ending the line. */
  stream(text: string): void {
    this.hidePrompt();
    process.stdout.write(text);
    if (text !== '') this.#fresh = text.endsWith('\n');
  }

  /** Prints whole lines. */
  line(text: string): void {
    this.hidePrompt();
    process.stdout.write(`${this.#fresh ? '' : '\n'}${text}\n`);
    this.#fresh = true;
  }

  endLine(): void {
    if (!this.#fresh) process.stdout.write('\n');
    this.#fresh = true;
  }

  /** Draws the prompt with whatever is being typed. */
  prompt(text = PROMPT): void {
    this.endLine();
    this.#editorOutput.mute = false;
    this.editor.setPrompt(text);
    this.editor.prompt(true);
  }

  /** The editor has ended its line: what comes next is the program's. */
  entered(): void {
    this.#editorOutput.mute = true;
    this.#fresh = true;
  }

  hidePrompt(): void {
    if (this.#editorOutput.mute) return;
    process.stdout.write('\r\x1b[J');
    this.#editorOutput.mute = true;
    this.#fresh = true;
  }

  get prompting(): boolean {
    return !this.#editorOutput.mute;
  }

  /** Takes what is typed out of the editor. */
  takeDraft(): string {
    const draft = this.editor.line;
    this.editor.write(null, { ctrl: true, name: 'e' });
    this.editor.write(null, { ctrl: true, name: 'u' });
    return draft;
  }

  putDraft(draft: string): void {
    if (draft !== '') this.editor.write(draft);
  }

  close(): void {
    this.hidePrompt();
    this.endLine();
    this.editor.close();
  }
}
