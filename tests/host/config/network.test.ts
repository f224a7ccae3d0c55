/** `network:` and `ports:`: what may be written, what an edit narrows, and which ports of this machine are carried. */
import { describe, expect, it } from 'vitest';
import { hostRuleFault, loopbackPorts, narrowedNetwork } from '../../../src/host/config/network.ts';
import type { NetworkConfig } from '../../../src/host/config/types.ts';
import { agent, refusal } from './support.ts';

const written = (keys: string) => agent(`agents: { a: { runtime: claude-code, ${keys} } }`);

describe('network', () => {
  it('is full where nothing is written, and takes the four forms', () => {
    expect(written('').network).toBe('full');
    for (const network of ['full', 'none', 'host'])
      expect(written(`network: ${network}`).network).toBe(network);
    expect(written('network: [registry.npmjs.org, "*.github.com:*", 10.0.0.0/8:5432]').network).toHaveLength(
      3,
    );
    expect(written('ports: [5173, 5173]').ports).toEqual([5173]);
  });

  it.each([
    'network: [http://x]',
    'network: []',
    'network: [127.0.0.1]',
    'network: ["0.0.0.0/0:8080"]',
    'network: ["64.0.0.0/2:*"]',
    'network: ["[::]/0:*"]',
    'network: ["127.0.0.1:7300"]',
    'network: ["localhost:7300"]',
    'network: ["localhost:*"]',
    'network: open',
    'ports: [80]',
    'ports: [99999]',
  ])('refuses %s', (keys) =>
    expect(refusal(`agents: { a: { runtime: claude-code, ${keys} } }`).message).toContain('agents.a.'),
  );

  it('carries ports of this machine that are listed', () => {
    expect(loopbackPorts(['localhost:5432', '127.0.0.1:5432', '[::1]:80', 'example.com'])).toEqual([
      80, 5432,
    ]);
    expect(hostRuleFault('127.0.0.0/8:*')).toContain('write its port');
  });

  it.each<[NetworkConfig, NetworkConfig, NetworkConfig]>([
    ['host', 'full', 'full'],
    ['full', 'host', 'full'],
    ['full', 'none', 'none'],
    ['none', 'full', 'none'],
    ['none', ['a.test'], 'none'],
    ['full', ['a.test', '*.b.test'], ['a.test', '*.b.test']],
    // What is no part of the public internet is more, whatever the list leaves out.
    ['full', ['a.test', '10.0.0.1'], 'full'],
    ['full', ['127.0.0.1:5432'], 'full'],
    [['a.test'], 'full', ['a.test']],
    [['a.test', 'b.test'], ['b.test', 'c.test'], ['b.test']],
  ])('%j edited to %j is %j until an operator applies it', (applied, wanted, narrowed) =>
    expect(narrowedNetwork(applied, wanted)).toEqual(narrowed),
  );
});
