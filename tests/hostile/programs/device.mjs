/** Writes a device of its own into the database of an OpenClaw, as one that its operator has paired, and shows it. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const { OPENCLAW_STATE_DIR, OPENCLAW_GATEWAY_PORT } = process.env;
const scopes = ['read', 'write', 'admin', 'approvals', 'pairing'].map((name) => `operator.${name}`);
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const id = createHash('sha256').update(raw).digest('hex');
const token = 'a-token-of-the-agent-0123456789abcdefghijkl';
const now = Date.now();
const json = JSON.stringify;
const tokens = { operator: { token, role: 'operator', scopes, createdAtMs: now } };

const database = new DatabaseSync(join(OPENCLAW_STATE_DIR, 'state', 'openclaw.sqlite'));
const columns = database.prepare('PRAGMA table_info(device_pairing_paired)').all();
console.log('columns', columns.length);
database
  .prepare(
    `INSERT OR REPLACE INTO device_pairing_paired (device_id, public_key, client_id, client_mode, platform, role, roles_json,
      scopes_json, approved_scopes_json, tokens_json, created_at_ms, approved_at_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
  )
  .run(
    id,
    raw.toString('base64url'),
    'cli',
    'cli',
    'linux',
    'operator',
    json(['operator']),
    json(scopes),
    json(scopes),
    json(tokens),
    now,
    now,
  );
console.log('PLANTED', id);

const socket = new WebSocket(`ws://127.0.0.1:${OPENCLAW_GATEWAY_PORT}`);
const end = (word) => {
  console.log(word);
  process.exit(0);
};
setTimeout(() => end('no answer'), 6000);
socket.onerror = () => end('refused');
socket.onclose = ({ code, reason }) => end(`closed ${code} ${reason}`);
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.event === 'connect.challenge') {
    const signedAt = Date.now();
    const { nonce } = frame.payload;
    const words = ['v2', id, 'cli', 'cli', 'operator', scopes.join(','), String(signedAt), token, nonce];
    const signature = sign(null, Buffer.from(words.join('|')), privateKey).toString('base64url');
    const device = { id, publicKey: raw.toString('base64url'), signature, signedAt, nonce };
    const client = { id: 'cli', mode: 'cli', version: '1', platform: 'linux' };
    const params = {
      minProtocol: 1,
      maxProtocol: 9,
      client,
      role: 'operator',
      scopes,
      device,
      auth: { token, deviceToken: token },
    };
    socket.send(json({ type: 'req', id: '1', method: 'connect', params }));
  } else if (frame.type === 'res') end(frame.ok ? 'OPERATOR of the gateway' : json(frame.error));
};
