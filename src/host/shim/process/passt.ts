/**
 * Attaches a run's network to the internet with passt: TCP, UDP and DNS like an ordinary network, for programs that
 * know no proxy. It translates each connection into one of this machine's own, without any right. It sees no loopback
 * of this machine; routes of the namespace (`unreachable`), which an agent cannot change, block further destinations.
 *
 * * A guard ends it when this process dies: passt itself would not notice.
 */
import type { ChildProcess } from 'node:child_process';
import type { Companions } from './companions.ts';

/** Of the namespace, of its gateway, and of the resolver that stands for this machine's. */
const INSIDE = '198.18.0.2';
const GATEWAY = '198.18.0.1';
const NETMASK = '255.255.255.252';

const GUARD = 'exec 3<&0; "$@" </dev/null & p=$!; read -r _ <&3; kill -9 "$p"; wait "$p"';

/**
 * @param pid of a process that is in the namespace, until the way out is there
 * @returns what ends with its input, and passt with it
 */
export function attach(companions: Companions, program: string, pid: number): ChildProcess {
  const args = [
    ...[program, '--foreground', '--quiet', '--config-net', '--ipv4-only', '--ns-ifname', 'eth0'],
    // No port of this machine inside, and none of the inside here.
    ...['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', '--no-map-gw'],
    ...['-a', INSIDE, '-n', NETMASK, '-g', GATEWAY, '--dns-forward', GATEWAY],
    ...(process.getuid?.() === 0 ? ['--runas', '0'] : []),
    ...['--netns', `/proc/${pid}/ns/net`, '--userns', `/proc/${pid}/ns/user`],
  ];
  const child = companions.spawn('/bin/sh', ['-c', GUARD, 'passt', ...args], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.on('error', (error) => console.error(`passt: ${error.message}`));
  child.stdin?.on('error', () => undefined);
  return child;
}
