/** The list of keys. */
import { Modal } from '../ui/modal.tsx';

const KEYS: [string, [string[], string][]][] = [
  [
    'Move',
    [
      [['j', 'k'], 'next, previous agent or question'],
      [['Enter'], 'open'],
      [['1', '2', '3'], 'Live, Terminal, Memory'],
      [['g', 'f'], 'go to the fleet'],
      [['g', 'i'], 'go to the inbox'],
      [['g', 'm'], 'go to the memory of the fleet'],
      [['/'], 'filter agents, or search memories'],
      [['Ctrl', 'K'], 'commands'],
    ],
  ],
  [
    'Agent',
    [
      [['t'], 'take over'],
      [['b'], 'hand back'],
      [['Ctrl', ']'], 'hand back, from inside the terminal'],
      [['i'], 'write a message'],
      [['h'], 'hold at the next boundary'],
      [['p'], 'pause at once'],
      [['r'], 'resume'],
      [['x'], 'interrupt the turn'],
      [['s'], 'start or stop'],
      [['⇧', 'R'], 'restart'],
      [['⇧', 'K'], 'kill'],
    ],
  ],
  [
    'Inbox',
    [
      [['a'], 'allow the question that has focus'],
      [['d'], 'deny it'],
      [['1'], 'to 9: choose an answer'],
    ],
  ],
];

export function Help() {
  return (
    <Modal label="Keyboard shortcuts" class="help">
      <h2>Keyboard</h2>
      <div class="help-groups">
        {KEYS.map(([title, rows]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {rows.map(([keys, what]) => (
                <div key={what}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
