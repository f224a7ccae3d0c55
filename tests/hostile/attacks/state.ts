/** Against what the host keeps: the database, the journals, the configuration, its own socket's directory. */
import fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Attack, fails, SAME_USER, succeeds, UNSEEN } from '../attack.ts';

const HIDDEN = 'the state directory is out of sight';
const OWN_FILES = 'the state belongs to the user that all agents are';

export const state: Attack[] = [
  {
    name: 'state/database-read',
    wants: "the victim's memory and letter, from the database",
    program: `
import sqlite3
for file in (FACTS['database'], FACTS['database'] + '-wal'):
    attempt(file, lambda: say(open(file, 'rb').read()))
def rows():
    database = sqlite3.connect('file:%s?mode=ro' % FACTS['database'], uri=True)
    say(database.execute('SELECT text FROM memories').fetchall(), database.execute('SELECT body FROM messages').fetchall())
attempt('rows', rows)
`,
    took: ({ secrets }, printed) => printed.includes(secrets.memory) || printed.includes(secrets.letter),
    expected: { none: succeeds(OWN_FILES, SAME_USER), bubblewrap: fails(HIDDEN, UNSEEN) },
    short: true,
  },
  {
    name: 'state/database-write',
    wants: 'to change what the victim remembers',
    program: `
import sqlite3
def change():
    database = sqlite3.connect('file:%s?mode=rw' % FACTS['database'], uri=True, timeout=5)
    database.execute("UPDATE memories SET text = 'forged' WHERE text = ?", (FACTS['memory'],))
    database.commit()
attempt('change', change)
`,
    took: ({ fleet }) => {
      const database = new Database(join(fleet.stateDir, 'aether.db'), { readonly: true });
      try {
        return database.prepare("SELECT 1 FROM memories WHERE text = 'forged'").get() !== undefined;
      } finally {
        database.close();
      }
    },
    expected: { none: succeeds(OWN_FILES, SAME_USER), bubblewrap: fails(HIDDEN, UNSEEN) },
  },
  {
    name: 'state/journal-read',
    wants: "what the victim and its engine said, from the victim's journal",
    program: `
for top, _, names in os.walk(FACTS['state'] + '/runs/' + FACTS['victim']['run']):
    for name in names:
        attempt(name, lambda: say('READ', len(open(os.path.join(top, name), 'rb').read())))
`,
    took: (_, printed) => printed.includes('READ'),
    expected: { none: succeeds(OWN_FILES, SAME_USER), bubblewrap: fails(HIDDEN, UNSEEN) },
  },
  {
    name: 'state/journal-write',
    wants: 'to add to its own journal, from which the host reads what it did',
    program: `
for top, _, names in os.walk(FACTS['state'] + '/runs/' + FACTS['me']['run'] + '/journal'):
    for name in names:
        attempt(name, lambda: (os.close(os.open(os.path.join(top, name), os.O_WRONLY)), say('OPENED', name)))
attempt('new', lambda: open(FACTS['state'] + '/runs/' + FACTS['me']['run'] + '/journal/planted', 'w').close())
`,
    took: (_, printed) => printed.includes('OPENED'),
    after: ({ fleet }) => {
      const runs = join(fleet.stateDir, 'runs');
      for (const run of fs.readdirSync(runs))
        fs.rmSync(join(runs, run, 'journal', 'planted'), { force: true });
    },
    expected: {
      none: succeeds(OWN_FILES, SAME_USER),
      bubblewrap: fails('its own journal is out of its sight', UNSEEN),
    },
    short: true,
  },
  {
    name: 'state/agent-added',
    wants: 'an agent without a sandbox of its own making, by an edit of aether.yaml',
    program: `
def edit():
    text = open(FACTS['config']).read()
    agent = '\\n  planted: {runtime: command, sandbox: none, restart: never, command: [touch, %s/planted]}\\n' % FACTS['root']
    with open(FACTS['config'], 'a') as file:
        file.write(agent)
    say('EDITED')
attempt('edit', edit)
time.sleep(3)
`,
    took: ({ fleet }) => fs.existsSync(join(fleet.root, 'planted')),
    after: (scene) => scene.configure(),
    expected: {
      none: fails('what an edit adds waits for `apply`', { event: 'config.changed' }),
      bubblewrap: fails('the file is not shown', UNSEEN),
    },
    short: true,
  },
];
