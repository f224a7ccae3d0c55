/** Mail between agents: it wakes whom it is for, and a host that dies forgets nobody. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ofTopic } from '../support/events.ts';
import { aether, LiveFleet } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;

const letter = { to: 'bob', subject: 'Lunch', body: 'Soup or bread?' };
const answer = { subject: 'Re: Lunch', body: 'Bread, with the blue cheese.' };

/** What an agent does when the host tells it of mail: read, acknowledge, and go on. */
const read = `${aether('mail_inbox', {})} ${aether('mail_ack', { ids: ['{{result.messages.0.id}}'] })}`;

beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: {
      ann: { runtime: 'claude-code', goal: `Ask bob. ${aether('mail_send', letter)} [[say asked]]` },
      bob: { runtime: 'claude-code' },
    },
  });
  fleet.model.teach(
    'newest from agent:ann',
    `${read} ${aether('mail_send', { to: 'agent:ann', replyTo: '{{result.acked.0}}', ...answer })} [[say answered]]`,
  );
  fleet.model.teach('newest from agent:bob', `${read} [[say read it]]`);
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close(), 60_000);

test('two claude agents exchange mail: each is woken by the other', async () => {
  // The end of the story: ann has acknowledged bob's answer, and nobody has unread mail.
  await fleet.event('mail.acked', ({ agent }) => agent === 'ann');
  const [ann, bob] = [await fleet.idle('ann'), await fleet.idle('bob')];
  expect([ann.unreadMail, bob.unreadMail]).toEqual([0, 0]);

  // Each model was given the other's words by its own mailbox, after it was told of them.
  const inboxes = (told: string) =>
    fleet.model.requests
      .filter((request) => saidIn(request).includes(`newest from ${told}`))
      .flatMap(resultsIn)
      .filter((result) => result.startsWith('{"messages":'));
  expect(inboxes('agent:ann').join()).toContain(letter.body);
  expect(inboxes('agent:bob').join()).toContain(answer.body);

  const events = await fleet.events();
  const sent = ofTopic(events, 'mail.sent').map(({ data }) => data.message);
  expect(sent).toMatchObject([
    { from: 'agent:ann', to: 'agent:bob', body: letter.body },
    { from: 'agent:bob', to: 'agent:ann', body: answer.body, replyTo: (sent[0] as { id: string }).id },
  ]);
  // One telling for each letter, and each is a turn that was carried out.
  const told = events.filter(({ topic }) => topic === 'inject.queued');
  expect(told.map(({ agent, principal }) => [agent, principal])).toEqual([
    ['bob', 'agent:ann'],
    ['ann', 'agent:bob'],
  ]);
  expect(events.filter(({ topic }) => topic === 'inject.acted')).toHaveLength(2);
}, 60_000);

test('an agent whose mail came while it was busy is told of it also by the host after the one that died', async () => {
  const since = (await fleet.events()).at(-1)!.seq;
  const work = await fleet.inject('bob', 'Work. [[say working]] [[hang work]] [[say worked]]');
  await fleet.event('inject.seen', ({ data }) => data.inject === work.id);
  await fleet.until('bob', 'busy', (view) => view.activity === 'thinking');
  await fleet.inject('ann', `${aether('mail_send', letter)} [[say sent]]`);
  await fleet.event('mail.sent', ({ seq }) => seq > since);

  await fleet.killHost();
  await fleet.up();
  expect((await fleet.agent('bob')).activity).toBe('thinking');
  fleet.model.release('work');
  await fleet.event('mail.acked', ({ agent, seq }) => agent === 'bob' && seq > since);
  await fleet.event('mail.acked', ({ agent, seq }) => agent === 'ann' && seq > since);

  // Told once is told: another host does not repeat it.
  for (const agent of ['ann', 'bob']) await fleet.idle(agent);
  await fleet.killHost();
  await fleet.up();
  const events = await fleet.events({ agent: 'bob', topics: ['inject.queued'] });
  expect(events.filter(({ seq, principal }) => seq > since && principal === 'agent:ann')).toHaveLength(1);
}, 60_000);
