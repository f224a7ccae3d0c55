/**
 * An agent's terminal on its way to the operator's. Drawing passes; what reaches beyond the screen does not:
 * clipboard writes, window titles and operations, printing, hyperlinks with odd schemes, device strings.
 * Keeps its state between chunks, so a sequence that is cut in two is judged whole.
 */
type State = 'ground' | 'escape' | 'csi' | 'string' | 'stringEscape';

/** A longer control string is swallowed to its end and not passed. */
const SEQUENCE_MAX = 4_096;
/** OSC numbers that only draw: palette and default colours, their resets, shell marks. */
const OSC_ALLOWED = new Set(['4', '10', '11', '12', '104', '110', '111', '112', '133']);
const SAFE_LINK = /^8;[^;]*;(?:https?:\/\/|mailto:|$)/;

export class TerminalFilter {
  readonly #plain: boolean;
  readonly #decoder = new TextDecoder();
  #state: State = 'ground';
  #held = '';

  /** @param plain true: text only, every sequence is removed (for `logs`). */
  constructor(plain: boolean) {
    this.#plain = plain;
  }

  /** Bytes in, what may be written to the terminal out. */
  push(bytes: Uint8Array): string {
    let out = '';
    for (const char of this.#decoder.decode(bytes, { stream: true })) out += this.#char(char);
    return out;
  }

  #char(char: string): string {
    const code = char.codePointAt(0)!;
    // CAN and SUB abort a sequence; ESC begins another, except where it may be the end of a string.
    if (code === 0x18 || code === 0x1a) {
      this.#reset();
      return '';
    }
    if (char === '\x1b' && this.#state !== 'string') {
      this.#state = 'escape';
      this.#held = char;
      return '';
    }
    switch (this.#state) {
      case 'ground':
        return this.#ground(char, code);
      case 'escape':
        return this.#escape(char, code);
      case 'csi':
        this.#hold(char);
        return code >= 0x40 && code <= 0x7e ? this.#finish(this.#passesCsi(char)) : '';
      case 'string':
        return this.#string(char, code);
      case 'stringEscape':
        // Anything but a backslash means the string was broken off.
        return this.#finish(char === '\\' && this.#passesString());
    }
  }

  #ground(char: string, code: number): string {
    if (code >= 0x80 && code <= 0x9f) return ''; // 8-bit control codes: some terminals obey them
    if (!this.#plain) return char;
    if (char === '\r') return '';
    return char === '\n' || char === '\t' || (code >= 0x20 && code !== 0x7f) ? char : '';
  }

  #escape(char: string, code: number): string {
    this.#hold(char);
    if (char === '[') this.#state = 'csi';
    else if (']PX^_'.includes(char)) this.#state = 'string';
    else if (code < 0x20 || code > 0x2f) return this.#finish(code >= 0x30 && code <= 0x7e);
    return '';
  }

  #string(char: string, code: number): string {
    if (char === '\x1b') {
      this.#state = 'stringEscape';
      return '';
    }
    if (code === 0x07) return this.#finish(this.#passesString());
    this.#hold(char);
    return '';
  }

  #hold(char: string): void {
    if (this.#held.length <= SEQUENCE_MAX) this.#held += char;
  }

  /** Window operations (t) can report a title as if it were typed; media copy (i) prints. */
  #passesCsi(final: string): boolean {
    return final !== 't' && final !== 'i';
  }

  #passesString(): boolean {
    if (!this.#held.startsWith('\x1b]')) return false;
    const body = this.#held.slice(2);
    return OSC_ALLOWED.has(body.split(';', 1)[0]!) || SAFE_LINK.test(body);
  }

  #finish(passes: boolean): string {
    const isString = this.#state === 'string' || this.#state === 'stringEscape';
    const whole = this.#held.length <= SEQUENCE_MAX ? this.#held : '';
    this.#reset();
    if (!passes || this.#plain || whole === '') return '';
    return isString ? `${whole}\x1b\\` : whole;
  }

  #reset(): void {
    this.#state = 'ground';
    this.#held = '';
  }
}
