/**
 * Where sessions outlive the host: an operator's open tab must work again after the host was killed and
 * started. Only hashes are kept, so the file is no key.
 */
import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { writeBeneath } from '../host/beneath.ts';
import { messageOf } from '../host/errors.ts';
import { readFileNow } from '../host/files.ts';
import type { Log } from '../host/log.ts';

const FILE_BYTES_MAX = 1024 * 1024;

export interface SessionRecord {
  /** SHA-256 (hex) of the cookie's secret. */
  hash: string;
  /** SHA-256 (hex) of the key the page keeps. */
  keyHash: string;
  /** Public: how this session is shown as the holder of a lease. */
  label: string;
  /** Milliseconds since the epoch. */
  used_ms: number;
}

export interface SessionStore {
  get(): SessionRecord[];
  set(records: SessionRecord[]): void;
}

/** A JSON file with mode 0600, replaced whole. A file that cannot be read means that no browser is signed in. */
export function fileSessionStore(file: string, log: Log): SessionStore {
  return {
    get() {
      let text: string;
      try {
        text = readFileNow(file, { bytes_max: FILE_BYTES_MAX }).toString();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          log.warn(
            { file, why: messageOf(error) },
            'console sessions cannot be read; everyone signs in again',
          );
        }
        return [];
      }
      try {
        const parsed: unknown = JSON.parse(text);
        return Array.isArray(parsed) ? parsed.filter(isRecord) : [];
      } catch (error) {
        log.warn({ file, why: messageOf(error) }, 'console sessions are damaged; everyone signs in again');
        return [];
      }
    },
    set(records) {
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeBeneath(dirname(file), basename(file), JSON.stringify(records), 0o600);
      } catch (error) {
        // A full disk must not lock the operator out: the sessions are good until the host ends.
        log.warn({ file, why: messageOf(error) }, 'console sessions cannot be kept over a restart');
      }
    },
  };
}

function isRecord(value: unknown): value is SessionRecord {
  const record = value as Partial<SessionRecord> | null;
  return (
    typeof record === 'object' &&
    record !== null &&
    /^[0-9a-f]{64}$/.test(String(record.hash)) &&
    /^[0-9a-f]{64}$/.test(String(record.keyHash)) &&
    typeof record.label === 'string' &&
    typeof record.used_ms === 'number'
  );
}
