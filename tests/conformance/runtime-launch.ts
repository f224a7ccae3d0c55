/** What a runtime says before anything runs: what this machine has, and what would be started. */
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AnySubject, Bench } from './runtime-bench.ts';

export function launchConformance(bench: Bench<AnySubject>): void {
  describe('detect', () => {
    it('finds the program, its version and the log-in', async () => {
      const found = await bench.runtime.detect(bench.subject.canLogIn);
      expect(found).toMatchObject({ runtime: bench.runtime.name, usable: true, canLogIn: true });
      expect(found.missing).toEqual([]);
      // A runtime whose program every agent names for itself has none to find.
      if ('command' in bench.agent().options) return;
      expect(found.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(fs.existsSync(found.binary!)).toBe(true);
    });

    it('says what is missing and how to mend it', async () => {
      if (bench.subject.cannotLogIn === null) return;
      const found = await bench.runtime.detect(bench.subject.cannotLogIn);
      expect(found.canLogIn).toBe(false);
      expect(found.missing.length).toBeGreaterThan(0);
      for (const { what, mend } of found.missing) expect([what, mend]).not.toContain('');
    });
  });

  describe('prepare', () => {
    it('gives a whole environment and keeps secrets out of everything that is shown', async () => {
      const spec = await bench.runtime.prepare(bench.agent({ goal: 'hello' }), bench.desk.place, null, null);
      const { process: started, files, secretEnv, opening, authNote } = spec;
      expect(started.cwd).toBe(bench.desk.workspace);
      for (const variable of ['PATH', 'HOME', 'TMPDIR']) expect(started.env[variable]).toBeTruthy();
      for (const variable of ['HOME', 'TMPDIR']) {
        const { agentDir, runDir } = bench.desk.place;
        const own = [agentDir, runDir].some((dir) => started.env[variable]!.startsWith(dir));
        expect(own, variable).toBe(true);
      }
      const shown = JSON.stringify({
        argv: started.argv,
        env: Object.fromEntries(Object.entries(started.env).filter(([key]) => !secretEnv.includes(key))),
        files: files.filter((file) => !file.secret),
        opening,
        authNote,
        stop: spec.stop,
      });
      for (const secret of bench.subject.secrets) {
        expect(Object.values(started.env)).toContain(secret);
        // Not even the tail of a key, which some engines write down.
        for (const part of [secret, secret.slice(-20)]) expect(shown).not.toContain(part);
      }
      for (const file of files) {
        expect(file.path.startsWith(bench.desk.root), file.path).toBe(true);
        if (file.secret) expect(file.mode & 0o077, file.path).toBe(0);
      }
    });

    it('takes answers of the host where no program beside it can write', async () => {
      const spec = await bench.runtime.prepare(bench.agent({ goal: 'hello' }), bench.desk.place, null, null);
      if (bench.runtime.capabilities.engine !== 'structured') return;
      expect(spec.process.io).toEqual({ kind: 'pipes', stdio: 'socketpair' });
    });

    it('says the same when it is asked again, and writes nothing by itself', async () => {
      const input = bench.agent({ goal: 'hello' });
      const first = await bench.runtime.prepare(input, bench.desk.place, null, null);
      const second = await bench.runtime.prepare(input, bench.desk.place, null, null);
      expect(second).toEqual(first);
      expect(fs.existsSync(bench.desk.place.agentDir)).toBe(false);
      expect(fs.existsSync(bench.desk.place.runDir)).toBe(false);
    });
  });
}
