/**
 * Dialogues with a booking office, drawn from a seed. The user tells some of what the office has to know, answers its questions, adds
 * something, or takes something back. The right answer is known to the letter: the last value that was said of each slot, and a
 * reply that follows from these, the question for the first one that is missing or, when there is none, the booking.
 */
import { Random } from '../../../kernels/random.ts';
import { days, numbers } from '../../data/stories/words.ts';
import { streams } from '../../data/streams.ts';
import type { DialogueAnswer, Slots } from '../dialogueAnswer.ts';

/** What was said so far, and what is to be answered to the last of it. */
export interface DialogueTurn extends DialogueAnswer {
  text: string;
}

interface Slot {
  name: string;
  values: readonly string[];
  /** The value as part of a sentence. */
  say(value: string): string;
  ask: string;
}

interface Domain {
  name: string;
  wishes: readonly string[];
  /** In the order in which the office asks for them. */
  slots: readonly Slot[];
  done: string;
}

const towns = ['Ashford', 'Brook', 'Carlow', 'Dunmore', 'Elling', 'Fenwick', 'Granby', 'Holt'];
const places = ['the station', 'the airport', 'the museum', 'the harbour', 'the theatre', 'the hospital'];

const day: Slot = { name: 'day', values: days, say: (value) => `on ${value}`, ask: 'On which day?' };
const time: Slot = {
  name: 'time',
  values: numbers.slice(1),
  say: (value) => `at ${value} o'clock`,
  ask: 'At what time?',
};
const people: Slot = {
  name: 'people',
  values: numbers.slice(2, 10),
  say: (value) => `for ${value} people`,
  ask: 'For how many people?',
};
const from = (values: readonly string[]): Slot => ({
  name: 'from',
  values,
  say: (value) => `from ${value}`,
  ask: 'Where do you start?',
});
const to = (values: readonly string[]): Slot => ({
  name: 'to',
  values,
  say: (value) => `to ${value}`,
  ask: 'Where do you want to go?',
});

const domains: readonly Domain[] = [
  {
    name: 'table',
    wishes: ['I would like to book a table', 'Please reserve a table', 'We want to eat out and need a table'],
    slots: [
      {
        name: 'food',
        values: ['Chinese', 'French', 'Greek', 'Indian', 'Italian', 'Spanish', 'Thai', 'Turkish'],
        say: (value) => `with ${value} food`,
        ask: 'What kind of food would you like?',
      },
      people,
      day,
      time,
    ],
    done: 'I have booked a table',
  },
  {
    name: 'train',
    wishes: ['I need a train ticket', 'I would like to take the train', 'Can you find me a train'],
    slots: [from(towns), to(towns), day, time],
    done: 'I have booked the train',
  },
  {
    name: 'taxi',
    wishes: ['I need a taxi', 'Please send me a taxi', 'I would like to order a cab'],
    slots: [from(places), to(places), time, people],
    done: 'Your taxi comes',
  },
  {
    name: 'film',
    wishes: [
      'We want to see a film',
      'I would like tickets for the cinema',
      'Please book seats at the cinema',
    ],
    slots: [
      {
        name: 'film',
        values: ['Blue Rain', 'The Long Road', 'Two Foxes', 'Winter Sea', 'The Clockmaker', 'Paper Birds'],
        say: (value) => `to see ${value}`,
        ask: 'Which film would you like to see?',
      },
      people,
      day,
      time,
    ],
    done: 'I have reserved seats',
  },
];

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);

/** What the office replies once it knows so much. Throws for slots of no domain. */
export function officeReply(slots: Slots): string {
  const domain = domains.find(({ name }) => name === slots.domain);
  if (!domain) throw new Error(`there is no domain ${slots.domain}`);
  const missing = domain.slots.find(({ name }) => slots[name] === undefined);
  if (missing) return missing.ask;
  return `${domain.done} ${domain.slots.map(({ name, say }) => say(slots[name])).join(' ')}.`;
}

/** One turn of dialogue number `index` under `seed`. A pure function of its arguments. */
export function bookingTurn(seed: number, index: number): DialogueTurn {
  const random = new Random(seed, streams.bookings, index);
  const domain = random.pick(domains);
  const turns: DialogueTurn[] = [];
  let slots: Slots = { domain: domain.name };
  let text = '';
  for (let complete = 0; complete < 2; ) {
    const said = turns.length === 0 ? begin(domain, random) : goOn(domain, slots, random);
    slots = { ...slots, ...said.values };
    text += `${text && ' '}User: ${said.words}`;
    const response = officeReply(slots);
    turns.push({ text, slots: inOrder(domain, slots), response });
    text += ` Office: ${response}`;
    if (domain.slots.every(({ name }) => slots[name] !== undefined)) complete++;
  }
  return random.pick(turns);
}

interface Said {
  words: string;
  values: Slots;
}

/** The wish, with up to three of the slots. */
function begin(domain: Domain, random: Random): Said {
  const told = random.shuffle([...domain.slots]).slice(0, random.below(4));
  const values = draw(told, {}, random);
  const wish = [random.pick(domain.wishes), ...told.map(({ name, say }) => say(values[name]))].join(' ');
  return { words: random.pick([`${wish}.`, `Hello. ${wish}.`, `Good morning. ${wish}.`]), values };
}

/** The answer to the question, at times with something more; a change of mind where nothing is asked any more, at times before. */
function goOn(domain: Domain, slots: Slots, random: Random): Said {
  const [asked, ...others] = domain.slots.filter(({ name }) => slots[name] === undefined);
  const known = domain.slots.filter(({ name }) => slots[name] !== undefined);
  const words: string[] = [];
  let values: Slots = {};
  if (asked) {
    values = draw([asked], slots, random);
    const answer = capital(asked.say(values[asked.name]));
    words.push(random.pick([`${answer}.`, `${answer}, please.`, `Let me think. ${answer}.`]));
    if (others.length > 0 && random.below(3) === 0) {
      const more = random.pick(others);
      values = { ...values, ...draw([more], { ...slots, ...values }, random) };
      words.push(`And ${more.say(values[more.name])}.`);
    }
  }
  if (known.length > 0 && (!asked || random.below(4) === 0)) {
    const changed = random.pick(known);
    const before = slots[changed.name];
    values = { ...values, ...draw([changed], { ...slots, ...values }, random) };
    const after = changed.say(values[changed.name]);
    words.push(
      random.pick([
        `Sorry, not ${changed.say(before)} but ${after}.`,
        `I said ${changed.say(before)}, but ${after} would be better.`,
      ]),
    );
  }
  return { words: words.join(' '), values };
}

/** A value for each of `slots`, none of which is that of any slot in `taken`: nobody goes from a place to the same place. */
function draw(slots: readonly Slot[], taken: Slots, random: Random): Slots {
  const values: Record<string, string> = {};
  for (const { name, values: all } of slots) {
    const used = [...Object.values(taken), ...Object.values(values)];
    values[name] = random.pick(all.filter((value) => !used.includes(value)));
  }
  return values;
}

function inOrder(domain: Domain, slots: Slots): Slots {
  const known = ['domain', ...domain.slots.map(({ name }) => name)].filter(
    (name) => slots[name] !== undefined,
  );
  return Object.fromEntries(known.map((name) => [name, slots[name]]));
}
