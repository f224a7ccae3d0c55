/**
 * Generated notes and questions about them, the same for the same seed: what is known of some things and people, asked in
 * its own words and in others; what is not known of them; and what nothing is known of.
 */

export interface Fact {
  text: string;
}

export interface Question {
  text: string;
  /** The text that answers it; null: none does. */
  answer: string | null;
}

export interface Facts {
  facts: Fact[];
  direct: Question[];
  paraphrased: Question[];
  /** The thing is known, what is asked of it is not. */
  other: Question[];
  unrelated: Question[];
}

interface Attribute {
  name: string;
  values: string[];
  /** E stands for the thing. */
  paraphrases: string[];
}

const SERVICES =
  'billing service|search gateway|Orion pipeline|invoice exporter|warehouse app|login portal|Falcon scheduler|image resizer|mail relay|Atlas dashboard|payment bridge|report builder|customer portal|stock tracker|Delphi crawler|chat backend|pricing engine|tax calculator|Helios importer|ticket router|feature store|audit collector|session broker|Juniper proxy|translation worker|archive cleaner'.split(
    '|',
  );
const PEOPLE =
  'Marta|Joachim|Priya|Tomasz|Ingrid|Bashir|Lucia|Dmitri|Aiko|Samuel|Noor|Felix|Greta|Hassan|Ines|Kofi|Leila|Mateo|Nadia|Oskar'.split(
    '|',
  );

const OF_SERVICES: Attribute[] = [
  {
    name: 'owner',
    values: 'team Kestrel|team Osprey|team Heron|team Magpie|team Lapwing'.split('|'),
    paraphrases: [
      'Who is responsible for the E?',
      'Who maintains the E?',
      'Which team is in charge of the E?',
    ],
  },
  {
    name: 'port',
    values: '8081|9002|7443|5050|6120|8899'.split('|'),
    paraphrases: [
      'Where does the E listen?',
      'On which socket can I reach the E?',
      'How do I connect to the E?',
    ],
  },
  {
    name: 'region',
    values: 'Frankfurt|Oregon|Mumbai|Stockholm|Virginia'.split('|'),
    paraphrases: ['Where is the E hosted?', 'In which datacenter does the E live?', 'Where does the E run?'],
  },
  {
    name: 'database',
    values: 'Postgres|MySQL|DuckDB|Cassandra|MongoDB'.split('|'),
    paraphrases: ['Where does the E store its data?', 'What does the E persist to?', 'Which DB has the E?'],
  },
  {
    name: 'language',
    values: 'Rust|Kotlin|Elixir|Python|Haskell'.split('|'),
    paraphrases: ['What is the E written in?', 'How is the E implemented?', 'In what is the E coded?'],
  },
  {
    name: 'deadline',
    values: '3 March|17 June|9 August|1 October|28 November'.split('|'),
    paraphrases: ['When is the E due?', 'By when must the E be finished?', 'What is the due date of the E?'],
  },
  {
    name: 'budget',
    values: '4,000 euros|900 dollars|12,000 francs|700 pounds|2,500 euros'.split('|'),
    paraphrases: ['How much may the E cost?', 'What can we spend on the E?', 'How expensive may the E get?'],
  },
  {
    name: 'timeout',
    values: '30 seconds|5 minutes|200 milliseconds|90 seconds'.split('|'),
    paraphrases: [
      'How long does the E wait?',
      'After how long does the E abort?',
      'What is the limit of waiting in the E?',
    ],
  },
  {
    name: 'licence',
    values: 'MIT|Apache 2.0|GPL 3|BSD'.split('|'),
    paraphrases: [
      'Under what license is the E?',
      'What are the legal terms of the E?',
      'How is the E licensed?',
    ],
  },
];

const OF_PEOPLE: Attribute[] = [
  {
    name: 'birthday',
    values: '4 May|21 January|30 July|12 September'.split('|'),
    paraphrases: ['When was E born?', 'How old does E get, and when?', 'What is the birth date of E?'],
  },
  {
    name: 'favourite food',
    values: 'pierogi|ramen|moussaka|ceviche|dosa'.split('|'),
    paraphrases: ['What does E like to eat?', 'Which dish does E love?', 'What meal does E prefer?'],
  },
  {
    name: 'hobby',
    values: 'climbing|pottery|astronomy|fencing|beekeeping'.split('|'),
    paraphrases: ['What does E do in spare time?', 'What does E enjoy?', 'What are the hobbies of E?'],
  },
  {
    name: 'employer',
    values: 'Siemens|a bakery|the opera|Novartis|a school'.split('|'),
    paraphrases: ['Where does E work?', 'What is the job of E?', 'By whom is E employed?'],
  },
  {
    name: 'pet',
    values: 'a beagle|two parrots|a tortoise|a Siamese cat'.split('|'),
    paraphrases: ['Which animal does E have?', 'Does E have a dog or a cat?', 'What animals live with E?'],
  },
];

const UNRELATED =
  'How do I bake sourdough bread?|What is the boiling point of ethanol?|Who painted the Mona Lisa?|How far is the Moon?|Which river flows through Budapest?|How are tulips planted?|What rhymes with orange?|Who won the chess match in Reykjavik?|How tall is Mount Kilimanjaro?|What does photosynthesis need?|How is cheddar aged?|Which planets have rings?|How do submarines dive?|What causes thunder?|Who composed the Four Seasons?|How does a sewing machine work?|When did the Bronze Age begin?|Why do leaves turn red?|What are the rules of curling?|How do you tie a bowline knot?|Which spices go into garam masala?|Who discovered penicillin?|How many strings has a harp?|What is the capital of Mongolia?|How do glaciers move?|What is a haiku?|Which metals are magnetic?|How is paper recycled?|Who wrote Don Quixote?|What do pandas feed on?|How deep is the Mariana Trench?|Why is the sky blue?|Which vitamins has broccoli?|How do bats navigate?|What is the tallest waterfall?|Who invented the telescope?|How is soap made?|What tunes a violin?|Which desert is the driest?|How do volcanoes erupt?|What is quantum entanglement?|How do I repot an orchid?|Which gloves suit skiing?|How is bronze cast?|What did Cleopatra rule?|Which birds migrate?|How is kimchi fermented?|What is the offside rule?|Who sculpted David?|How do tides form?'.split(
    '|',
  );

const TEMPLATES: ((thing: string, name: string, value: string) => string)[] = [
  (thing, name, value) => `The ${name} of ${thing} is ${value}.`,
  (thing, name, value) => `${thing}: ${name} ${value}.`,
  (thing, name, value) => `For ${thing} the ${name} is ${value}, as decided last week.`,
  (thing, name, value) => `${thing}'s ${name} is ${value}.`,
];

const askedOf = (thing: string, paraphrase: string): string => paraphrase.replace(/\b(?:the )?E\b/, thing);

/** Numbers from 0 to below 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const PER_THING = 4;

export function generated(seed: number): Facts {
  const next = random(seed);
  const one = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  const all: Facts = { facts: [], direct: [], paraphrased: [], other: [], unrelated: [] };
  const about = (
    things: readonly string[],
    attributes: readonly Attribute[],
    called: (thing: string) => string,
  ) => {
    for (const thing of things) {
      const order = [...attributes].sort(() => next() - 0.5);
      const known = order.slice(0, Math.min(PER_THING, attributes.length - 2));
      for (const { name, values, paraphrases } of known) {
        const text = one(TEMPLATES)(called(thing), name, one(values));
        all.facts.push({ text: text[0]!.toUpperCase() + text.slice(1) });
        const answer = all.facts.at(-1)!.text;
        all.direct.push({ text: `What is the ${name} of ${called(thing)}?`, answer });
        all.paraphrased.push({ text: askedOf(called(thing), one(paraphrases)), answer });
      }
      for (const { name, paraphrases } of order.slice(known.length, known.length + 2)) {
        const other = askedOf(called(thing), one(paraphrases));
        all.other.push({
          text: next() < 0.7 ? `What is the ${name} of ${called(thing)}?` : other,
          answer: null,
        });
      }
    }
  };
  about(SERVICES, OF_SERVICES, (thing) => `the ${thing}`);
  about(PEOPLE, OF_PEOPLE, (thing) => thing);
  for (const text of UNRELATED) all.unrelated.push({ text, answer: null });
  return all;
}
