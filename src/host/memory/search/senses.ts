/**
 * Words that ask for the same thing in the notes of people who build and run software, and in their daily lives. They are
 * no part of the ranking, where they were measured to add nothing; they keep an answer from being called
 * uncertain because it says "owner" where "responsible" was asked.
 */
import { stemOf } from './tokens.ts';

const SENSES = `
owner own responsible responsibility charge maintain maintainer lead leader belongs care steward accountable runs manage manager head
deadline due date until finish finished finalize deliver delivery deliverable complete completed ship shipped deadline milestone
region location located hosted host hosting where datacenter place lives site country continent zone city runs
port listen listens tcp socket bound address reach reachable connect
database db store stores stored storage persist persists persistence data datastore saved
language written programmed coded programming implemented code
framework library toolkit built based stack
version release released upgrade upgraded
budget cost costs price spend spending money expensive pay paid funds fee fees charge
password secret credential credentials token key login vault
contact email mail reach phone call number write
backup backups restore copy copies snapshot archive saved
schedule cron time runs nightly weekly daily often frequency interval regularly
retention keep kept delete deleted expire expires long days
license licence licensing legal terms
timeout limit wait waits long abort aborts seconds
queue broker messaging message messages bus events
cache cached caching redis memcached
monitoring monitor alert alerts alerting watch watched observability metrics dashboard pager paged
logging logs log logged written
repository repo git source code checkout hosted
branch main trunk merge merged
test tests testing tested coverage checked verify verified
deploy deploys deployed deployment rollout release ships pushed production
provider vendor supplier company bought hosting cloud
customer client user users customers clients
colour color logo theme branding shade
birthday born birth date age old
food eat eats meal dish dinner lunch cuisine
allergy allergic intolerant diet
hobby hobbies likes like enjoys enjoy loves love spare time pastime leisure
job work works profession occupation employed employer living career
home house address lives live flat
partner wife husband married spouse
child children son daughter kids kid
pet dog cat animal
car drives vehicle drive
school university college studied study studies degree graduated
travel trip travelled holiday vacation visited went journey
team group squad department people crew
meeting meet standup sync weekly gathers discuss
goal aim purpose objective want wants target why
reason because why decided decision chose chosen
problem bug issue error fault broken fails failure wrong
fix fixed solved solution workaround repaired remedy
size large big capacity memory disk gigabytes many
speed fast slow latency performance quick
protocol transport api interface endpoint speaks talk talks communicate
format encoding encoded serialised serialized file
editor ide tool tools
os operating linux distribution system platform
begin began start started starting commence kickoff
end ended stop stopped finish over
name called named call title
status state progress stage phase`;

const sensesOf = new Map<string, Set<number>>();
SENSES.trim()
  .split('\n')
  .forEach((line, sense) => {
    for (const word of line.split(' ')) {
      const stem = stemOf(word);
      sensesOf.set(stem, (sensesOf.get(stem) ?? new Set()).add(sense));
    }
  });

/** Whether two stems may ask for the same. */
export function sameSense(one: string, other: string): boolean {
  const senses = sensesOf.get(one);
  const others = sensesOf.get(other);
  return senses !== undefined && others !== undefined && [...senses].some((sense) => others.has(sense));
}

export const hasSense = (stem: string): boolean => sensesOf.has(stem);

/** Verbs and fillers of a question, which say nothing about what is asked. */
const FILLERS = new Set(
  `use uses used using make makes made get gets got give given go goes need needs know tell say said happen happens happened
  take takes taken let keep look want think please currently current now today exactly actually again still also
  yet anyone someone people thing things way kind sort type one ones many much long often ever already used put set
  should must shall may might could would there here who whom whose what when where which why how does did is are was were
  do be been being have has had can will name show find list explain describe remember recall mention`
    .split(/\s+/)
    .map(stemOf),
);

/** Verbs that ask for many things: they decide only where no other word does. */
const VAGUE = new Set(
  'live like love enjoy prefer work run keep store keep begin end'.split(' ').map(stemOf),
);

export const isVague = (stem: string): boolean => VAGUE.has(stem);

export const isFiller = (stem: string): boolean => FILLERS.has(stem);
