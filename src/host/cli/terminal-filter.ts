/**
 * An agent's terminal on its way to the operator's. Drawing passes; what reaches beyond the screen does not:
 * clipboard writes, window titles and operations, printing, hyperlinks with odd schemes, device strings.
 * Keeps its state between chunks, so a sequence that is cut in two is judged whole.
 */
type State = 'ground' | 'escape' | 'csi' | 'string' | 'stringEscape';

/** A longer control string is swallowed to its end and not passed. */
const SEQUENCE_MAX = 4_096;
/** One without an end hides so much and no more. */
const STRING_CHARS_MAX = 1024 * 1024;
/** OSC, DCS, SOS, PM and APC as one character. */
const STRINGS_8BIT = '\u009d\u0090\u0098\u009e\u009f';
/** OSC numbers that only draw: palette and default colours, their resets, shell marks. */
const OSC_ALLOWED = new Set(['4', '10', '11', '12', '104', '110', '111', '112', '133']);
const SAFE_LINK = /^8;[^;]*;(?:https?:\/\/|mailto:|$)/;

export class TerminalFilter {
  readonly #plain: boolean;
  readonly #decoder = new TextDecoder();
  #state: State = 'ground';
  #held = '';
  /** Characters of the control string under way. */
  #length = 0;

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
        return this.#csi(char, code);
      case 'string':
        return this.#string(char, code);
      case 'stringEscape':
        if (char === '\\') return this.#finish(this.#passesString());
        // The string was broken off by another sequence.
        this.#begin('escape', '\x1b');
        return this.#escape(char, code);
    }
  }

  #ground(char: string, code: number): string {
    // 8-bit forms, which some terminals obey: none passes.
    if (char === '\u009b') this.#begin('csi', char);
    else if (STRINGS_8BIT.includes(char)) this.#begin('string', char);
    if (code >= 0x80 && code <= 0x9f) return '';
    if (!this.#plain) return char;
    if (char === '\r') return '';
    return char === '\n' || char === '\t' || (code >= 0x20 && code !== 0x7f) ? char : '';
  }

  #escape(char: string, code: number): string {
    if (code < 0x20 || code > 0x7e) return this.#abort(char, code);
    this.#hold(char);
    if (char === '[') this.#state = 'csi';
    else if (']PX^_'.includes(char)) this.#begin('string', this.#held);
    else if (code > 0x2f) return this.#finish(true);
    return '';
  }

  #csi(char: string, code: number): string {
    if (code < 0x20 || code > 0x7e || this.#held.length > SEQUENCE_MAX) return this.#abort(char, code);
    this.#hold(char);
    return code >= 0x40 ? this.#finish(this.#passesCsi(char)) : '';
  }

  #string(char: string, code: number): string {
    if (char === '\x1b') {
      this.#state = 'stringEscape';
      return '';
    }
    if (code === 0x07 || code === 0x9c) return this.#finish(this.#passesString());
    // A picture may have several lines; all else ends with its line, if it has no other end.
    const endsWithLine = this.#plain || /^(?:\x1b\]|\u009d)/.test(this.#held);
    this.#length += 1;
    if (this.#length > STRING_CHARS_MAX || (endsWithLine && (char === '\n' || char === '\r')))
      return this.#abort(char, code);
    this.#hold(char);
    return '';
  }

  #begin(state: State, held: string): void {
    this.#state = state;
    this.#held = held;
    this.#length = 0;
  }

  /** The sequence under way has no end: it is dropped, and what follows stays. */
  #abort(char: string, code: number): string {
    this.#reset();
    return this.#ground(char, code);
  }

  #hold(char: string): void {
    if (this.#held.length <= SEQUENCE_MAX) this.#held += char;
  }

  /** Window operations (t) can report a title as if it were typed; media copy (i) prints. */
  #passesCsi(final: string): boolean {
    return this.#held.startsWith('\x1b') && final !== 't' && final !== 'i';
  }

  #passesString(): boolean {
    if (!this.#held.startsWith('\x1b]')) return false; // also what begins in its 8-bit form
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
