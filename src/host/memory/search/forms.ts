/**
 * Forms that no stemmer brings together: buy and bought, mouse and mice. One line a word with all of its forms; what
 * ends in -s, -ed or -ing is left to the stemmer.
 */
import { stemOf } from './tokens.ts';

const FORMS = `
arise arose arisen|awake awoke awoken|bear bore borne born|beat beaten|become became|begin began begun|bend bent
bind bound|bite bit bitten|bleed bled|blow blew blown|break broke broken|breed bred|bring brought|build built
burn burnt|buy bought|catch caught|choose chose chosen|cling clung|come came|creep crept|deal dealt|dig dug
dive dove|do did done does|draw drew drawn|dream dreamt|drink drank drunk|drive drove driven|eat ate eaten
fall fell fallen|feed fed|feel felt|fight fought|find found|flee fled|fling flung|fly flew flown flies
forbid forbade forbidden|forget forgot forgotten|forgive forgave forgiven|freeze froze frozen|get got gotten
give gave given|go went gone goes|grind ground|grow grew grown|hang hung|have had has|hear heard|hide hid hidden
hold held|keep kept|kneel knelt|know knew known|lay laid|lead led|lean leant|leap leapt|learn learnt|leave left
lend lent|lie lay lain lying|light lit|lose lost|make made|mean meant|meet met|mistake mistook mistaken
overcome overcame|oversee oversaw overseen|pay paid|prove proven|read|rebuild rebuilt|redo redid redone
ride rode ridden|ring rang rung|rise rose risen|run ran|say said|see saw seen|seek sought|sell sold|send sent
sew sewn|shake shook shaken|shine shone|shoot shot|show shown|shrink shrank shrunk|sing sang sung|sink sank sunk
sit sat|sleep slept|slide slid|smell smelt|speak spoke spoken|speed sped|spell spelt|spend spent|spill spilt
spin spun|spoil spoilt|spring sprang sprung|stand stood|steal stole stolen|stick stuck|sting stung|stink stank
strike struck stricken|string strung|strive strove striven|swear swore sworn|sweep swept|swell swollen
swim swam swum|swing swung|take took taken|teach taught|tear tore torn|tell told|think thought|throw threw thrown
undergo underwent undergone|understand understood|undertake undertook undertaken|undo undid undone
uphold upheld|upset|wake woke woken|wear wore worn|weave wove woven|weep wept|win won|wind wound
withdraw withdrew withdrawn|withstand withstood|wring wrung|write wrote written|rewrite rewrote rewritten
be is are was were been am being|can could|will would|shall should|may might
man men|woman women|child children kid kids|person people|foot feet|tooth teeth|goose geese|mouse mice|louse lice|ox oxen
life lives|wife wives|knife knives|leaf leaves|shelf shelves|half halves|wolf wolves|loaf loaves|thief thieves
calf calves|self selves|elf elves|hoof hooves|scarf scarves
analysis analyses|axis axes|basis bases|crisis crises|diagnosis diagnoses|hypothesis hypotheses|thesis theses
parenthesis parentheses|synthesis syntheses|criterion criteria|phenomenon phenomena|datum data|medium media
bacterium bacteria|curriculum curricula|index indices indexes|matrix matrices|vertex vertices|appendix appendices
schema schemata schemas|formula formulae formulas|antenna antennae|cactus cacti|focus foci|fungus fungi|nucleus nuclei
radius radii|stimulus stimuli|alumnus alumni|syllabus syllabi|corpus corpora|genus genera|die dice
good better best|bad worse worst|far farther further farthest furthest|little less least|many more most
hero heroes|potato potatoes|tomato tomatoes|quiz quizzes|city cities|bus buses|gas gases`;

const groups = FORMS.trim()
  .split(/[|\n]/)
  .map((line) => line.split(' '));
const groupsOf = new Map<string, string[][]>();
for (const group of groups) {
  for (const form of group) {
    const known = groupsOf.get(form);
    if (known === undefined) groupsOf.set(form, [group]);
    else known.push(group);
  }
}

/** What a regular ending may have been put on: "buying" is of buy. */
function basesOf(word: string): string[] {
  const cut = /^(.{2,}?)(?:s|es|ed|ing)$/.exec(word)?.[1];
  if (cut === undefined) return [word];
  const undoubled = /(.)\1$/.test(cut) ? [cut.slice(0, -1)] : [];
  return [word, cut, `${cut}e`, ...undoubled];
}

/** Stems of the other forms of a word, its own not among them. */
export function otherStems(word: string): string[] {
  const own = stemOf(word);
  const stems = new Set<string>();
  for (const base of basesOf(word)) {
    for (const group of groupsOf.get(base) ?? []) {
      for (const form of group) stems.add(stemOf(form));
    }
  }
  stems.delete(own);
  return [...stems];
}
