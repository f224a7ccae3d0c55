/** What a rule lets through, which spellings of a host are one, and which addresses no name leads to. */
import { describe, expect, test } from 'vitest';
import { carried, parseAddress, specialKind } from '../../../src/host/egress/addresses.ts';
import {
  listsAddress,
  namesTarget,
  normalName,
  parseRule,
  parseTarget,
  type Rule,
} from '../../../src/host/egress/rules.ts';

const rules = (...texts: string[]) => texts.map((text) => parseRule(text) as Rule);
const passes = (rule: string, target: string) => namesTarget(rules(rule), parseTarget(target, null)!);

describe('a host has one spelling', () => {
  test.each([
    ['EXAMPLE.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['ｅxample.com', 'example.com'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['１２７.0.0.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['[::FFFF:127.0.0.1]', '::ffff:7f00:1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
  ])('%s is %s', (text, normal) => expect(normalName(text)).toBe(normal));

  test.each([
    '',
    '.',
    'a..b',
    'a b',
    'user@example.com',
    'example.com/path',
    'example.com\\@evil.example',
    'exa%6dple.com',
    'example.com#',
    'a\u0000b',
    'example.com\r\nX: y',
    '256.256.256.256',
    'example.1',
    '[fe80::1%eth0]',
    '[127.0.0.1]',
    '::1',
    '-a.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(130)}example`,
  ])('%j is no host', (text) => expect(normalName(text)).toBeNull());

  test.each([
    'example.com',
    'example.com:',
    'example.com:0',
    'example.com:65536',
    'example.com:080',
    'a:b:1',
  ])('%j is no target of CONNECT', (text) => expect(parseTarget(text, null)).toBeNull());
});

describe('a rule', () => {
  test('of a name is of that name on 80 and 443', () => {
    expect(passes('example.com', 'Example.COM.:443')).toBe(true);
    expect(passes('example.com', 'example.com:80')).toBe(true);
    expect(passes('example.com', 'example.com:22')).toBe(false);
    expect(passes('example.com', 'www.example.com:443')).toBe(false);
    expect(passes('example.com', 'example.com.evil.test:443')).toBe(false);
    expect(passes('example.com', 'notexample.com:443')).toBe(false);
  });

  test('with a star is of the names below it, and of no other', () => {
    expect(passes('*.example.com', 'a.b.example.com:443')).toBe(true);
    expect(passes('*.example.com', 'example.com:443')).toBe(false);
    expect(passes('*.example.com', 'badexample.com:443')).toBe(false);
  });

  test('says its port, or all of them', () => {
    expect(passes('example.com:8443', 'example.com:8443')).toBe(true);
    expect(passes('example.com:8443', 'example.com:443')).toBe(false);
    expect(passes('example.com:*', 'example.com:5432')).toBe(true);
    expect(passes('*', 'example.com:5432')).toBe(true);
    expect(passes('*:443', 'example.com:5432')).toBe(false);
  });

  test('of an address or a block is of no name', () => {
    expect(passes('10.0.0.0/8', '10.1.2.3:443')).toBe(true);
    expect(passes('10.0.0.0/8', 'example.com:443')).toBe(false);
    expect(passes('[fd00::1]:22', '[fd00::1]:22')).toBe(true);
    expect(passes('[fd00::]/64', '[fd00::7]:443')).toBe(true);
    const address = parseAddress('10.1.2.3')!;
    expect(listsAddress(rules('10.0.0.0/8:5432'), address, 5432)).toBe(true);
    expect(listsAddress(rules('10.0.0.0/8:5432'), address, 443)).toBe(false);
    expect(listsAddress(rules('*', 'example.com'), address, 443)).toBe(false);
  });

  test.each([
    '',
    ':80',
    'http://example.com',
    'example.com:',
    'example.com:http',
    'a b',
    '*.*',
    '**',
    '*.10.0.0.1',
    '10.0.0.0/33',
  ])('%j is refused with a sentence', (text) =>
    expect(parseRule(text)).toEqual(expect.stringContaining(`"${text}"`)),
  );
});

describe('no name leads to', () => {
  test.each([
    ['0.0.0.0', 'this machine'],
    ['127.8.9.1', 'this machine'],
    ['10.0.0.1', 'a private network'],
    ['172.31.255.255', 'a private network'],
    ['192.168.0.1', 'a private network'],
    ['100.64.0.1', 'CGNAT'],
    ['169.254.0.7', 'the local link'],
    ['169.254.169.254', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['::', 'this machine'],
    ['::1', 'this machine'],
    ['fe80::1', 'the local link'],
    ['fd12::1', 'a private network'],
    ['ff02::1', 'multicast'],
    ['::ffff:127.0.0.1', 'this machine'],
    ['::ffff:0:10.0.0.1', 'a private network'],
    ['::127.0.0.1', 'this machine'],
    ['64:ff9b::169.254.169.254', 'metadata'],
    ['64:ff9b:1::1', 'translation'],
    ['2002:7f00:1::', 'this machine'],
    ['2002:c0a8:1::1', 'a private network'],
    ['2001:0:1::1', 'Teredo'],
  ])('%s (%s)', (text, kind) => expect(specialKind(parseAddress(text)!)).toContain(kind));

  test.each([
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::1.1.1.1',
  ])('but %s is public', (text) => expect(specialKind(parseAddress(text)!)).toBeNull());

  test('a carried address is the one that is judged', () => {
    expect(carried(parseAddress('2002:0102:0304::')!).text).toBe('1.2.3.4');
    expect(carried(parseAddress('::1')!).text).toBe('::1');
  });
});
