/** What generated notes are about: things with attributes, and what people conclude from those. */
import type { Random } from '../../../chaos/random.ts';

export interface Attribute {
  /** E: the thing, V: its value. */
  fact: string;
  values: string[];
  /** What follows from it: with the thing and the value, with the value alone, with the thing alone. */
  conclusions: string[];
  query: string;
}

export const THINGS =
  'Falcon|Heron|Magpie|Osprey|Kestrel|Lapwing|Plover|Dunlin|Siskin|Merlin|Avocet|Bittern|Curlew|Egret|Gannet|Hobby|Jackdaw|Linnet|Nuthatch|Petrel|Redstart|Shrike|Tern|Wagtail|Whinchat'.split(
    '|',
  );
export const PEOPLE =
  'Marta|Joachim|Priya|Tomasz|Ingrid|Bashir|Lucia|Dmitri|Aiko|Samuel|Noor|Felix|Greta'.split('|');

export const ATTRIBUTES: Attribute[] = [
  {
    fact: 'The E service listens on port V.',
    values: '8443 9092 7001 5601 6380 4222 8125 9411'.split(' '),
    conclusions: [
      'The load balancer sends traffic for E to port V.',
      'Port V has to be open in the firewall of the office network.',
      'Health checks of E need an exception, because its port is unusual.',
    ],
    query: 'E port',
  },
  {
    fact: 'E is hosted in the region V.',
    values: 'fra1 ams3 nyc2 sgp1 tor1 lon1 blr1 syd1'.split(' '),
    conclusions: [
      'Backups of E are copied out of V every night.',
      'An outage of V takes us down, so the status page names it.',
      'The region of E decides that its customer data needs another contract.',
    ],
    query: 'E region',
  },
  {
    fact: 'The owner of E is V.',
    values: PEOPLE,
    conclusions: [
      'Reviews for E are assigned to V.',
      'Before a release we call V, who decides.',
      'The owner of E has to sign the access list each quarter.',
    ],
    query: 'E owner',
  },
  {
    fact: 'E stores its data in V.',
    values: 'PostgreSQL MariaDB Cassandra MongoDB Redis ClickHouse CockroachDB Neo4j'.split(' '),
    conclusions: [
      'The migration scripts of E are written for V.',
      'The nightly dump uses the tools of V.',
      'Restoring the data of E takes a day, given where it is stored.',
    ],
    query: 'E data',
  },
  {
    fact: 'Releases of E go out on V.',
    values: 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' '),
    conclusions: [
      'The changelog of E is due the evening before V.',
      'Nobody on call takes leave on V because of the release.',
      'The release day of E collides with the freeze of finance.',
    ],
    query: 'E releases',
  },
];

/** Of the same day, about something else. */
export const ASIDES = [
  'P prefers short meetings in the morning.',
  'The coffee machine on the third floor is broken again.',
  'Invoices of the travel agency are paid by P.',
  'The style guide asks for British spelling.',
  'P is learning Portuguese for the office in Lisbon.',
  'The build cache is cleared with make distclean.',
  'Interns get a laptop from the cupboard next to the kitchen.',
  'Tests of the parser run for eleven minutes on a cold machine.',
  'The logo of E has a new colour.',
  'The wiki page of E was moved to the archive.',
  'P gave a talk about E at the conference.',
  'A sticker of E hangs on the door of the server room.',
];

export const filled = (template: string, thing: string, value: string, person = ''): string =>
  template.replace(/\bE\b/g, thing).replace(/\bV\b/g, value).replace(/\bP\b/g, person);

/** So many of them, each once. */
export function some<T>(random: Random, from: readonly T[], count: number): T[] {
  const left = [...from];
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(random.between(0, left.length - 1), 1)[0]!,
  );
}
