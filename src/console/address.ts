/**
 * The address of the console. Its name is new at each start of the host and cannot be guessed. A browser keeps what a
 * page stores and registers by the whole address, so a program that had the port earlier left its data under another
 * address. Browsers resolve every name below .localhost to this machine.
 */
import { randomBytes } from 'node:crypto';

/** No 0, 1, 8, 9: an address is read aloud and typed at times. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const LETTERS_COUNT = 20;

export interface Address {
  /** Of this start: `NAME.localhost`. */
  name: string;
  /** The port that is listened on; known once it is. */
  port: number;
}

export function newName(): string {
  return `${Array.from(randomBytes(LETTERS_COUNT), (byte) => LETTERS[byte % 32]).join('')}.localhost`;
}

/** `plain`: where a browser does not resolve the name. Other programs may have had that address before. */
export function urlOf({ name, port }: Address, plain = false): string {
  return `http://${plain ? '127.0.0.1' : name}:${port}`;
}

/** Only the names under which this machine reaches itself: any other resolves here by an attacker's DNS. */
export function isOwn({ name, port }: Address, host: string | undefined): boolean {
  const names = [name, '127.0.0.1', 'localhost', '[::1]'];
  return host !== undefined && names.some((one) => `${one}:${port}` === host.toLowerCase());
}

/** An address of another start of this host, or of another host that had the port. */
export function isOfAnotherStart(address: Address, host: string | undefined): boolean {
  return !isOwn(address, host) && /^[a-z2-7]{20}\.localhost:\d+$/i.test(host ?? '');
}
