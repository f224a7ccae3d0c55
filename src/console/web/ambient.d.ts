/** What the bundler and the wire types bring that a browser does not know. */
declare module '*.css';

/** The host's types name it; none that reaches the browser holds one. */
interface Buffer extends Uint8Array {
  toString(encoding?: string): string;
}
