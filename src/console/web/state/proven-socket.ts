/**
 * A socket to the host that is used only once both sides have shown that they know this browser's secret, the host
 * first. A program that took the port of a dead host learns nothing from a page that connects again.
 */
import {
  type ProofMessage,
  type ProofRequest,
  provenText,
  SUBPROTOCOL,
  type WireError,
} from '../../console-protocol.ts';
import { forget, keepSession, type Shared, shared } from './session.ts';

export interface ProvenSink {
  /** Both sides have shown their codes. */
  open(): void;
  message(data: string | ArrayBuffer): void;
  /** This browser is not signed in here, or what answers is not the host that it is signed in to. */
  refused(error: WireError): void;
  /** `proven`: it was open before. */
  close(proven: boolean): void;
}

const SIGN_IN = 'Run `aether console` for a sign-in link and open it here.';

export const NOT_SIGNED_IN: WireError = {
  code: 'console.signed-out',
  who: 'user',
  message: 'This browser is not signed in to the console.',
  next: SIGN_IN,
};

const NOT_THE_HOST: WireError = {
  code: 'console.not-the-host',
  who: 'user',
  message:
    'What answers at this address could not show that it is the host you signed in to. Nothing was sent to it.',
  next: SIGN_IN,
};

export function openProven(path: string, sink: ProvenSink): WebSocket {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}${path}`, [SUBPROTOCOL]);
  socket.binaryType = 'arraybuffer';
  let proven = false;
  const used = shared();
  const refuse = (error: WireError): void => {
    socket.onmessage = null;
    // A link that was used before is a bookmark where the browser is signed in already: then that counts.
    if (used === null || !forget(used)) sink.refused(error);
    socket.close();
  };
  const admitted = (): void => {
    proven = true;
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => sink.message(event.data);
    sink.open();
  };
  socket.onopen = () => {
    if (used === null) refuse(NOT_SIGNED_IN);
    else begin(socket, path, used, { refuse, admitted });
  };
  socket.onclose = () => sink.close(proven);
  return socket;
}

function begin(
  socket: WebSocket,
  path: string,
  used: Shared,
  then: { refuse(error: WireError): void; admitted(): void },
): void {
  const send = (message: ProofRequest): void => socket.send(JSON.stringify(message));
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(24)));
  let shown = false;
  socket.onmessage = async ({ data }: MessageEvent<string>) => {
    const message = JSON.parse(data) as ProofMessage;
    if (message.type === 'refused') return then.refuse(message.error);
    if (message.type === 'proof' && !shown) {
      const nonces = { page: nonce, host: message.nonce };
      const expected = await codeOver(used.secret, provenText('host', path, nonces));
      if (message.code !== expected) return then.refuse(NOT_THE_HOST);
      shown = true;
      return send({ type: 'proof', code: await codeOver(used.secret, provenText('page', path, nonces)) });
    }
    if (!shown || message.type === 'proof') return then.refuse(NOT_THE_HOST);
    if (message.type === 'session') keepSession(message.id, message.key);
    then.admitted();
  };
  send({ type: 'hello', by: used.by, id: used.id, nonce });
}

async function codeOver(secret: string, text: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytes.encode(secret), algorithm, false, ['sign']);
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes.encode(text))));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
