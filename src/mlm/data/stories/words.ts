/**
 * What the stories know about their small world. Every table pairs things that belong together, so that
 * seeing one half tells the other: an animal and its food, a trade and its tool, a weather and its clothes.
 */

export interface Person {
  name: string;
  he: string;
  him: string;
  his: string;
  child: string;
}

const she = { he: 'she', him: 'her', his: 'her', child: 'girl' };
const he = { he: 'he', him: 'him', his: 'his', child: 'boy' };

export const girls: readonly Person[] = [
  ...['Anna', 'Lily', 'Mia', 'Nora', 'Ruby', 'Ella', 'Clara', 'Rosa', 'Ivy', 'Zoe', 'Emma', 'Alice'],
].map((name) => ({ name, ...she }));

export const boys: readonly Person[] = [
  ...['Tom', 'Ben', 'Max', 'Leo', 'Sam', 'Jack', 'Otto', 'Felix', 'Hugo', 'Oscar', 'Theo', 'Finn'],
].map((name) => ({ name, ...he }));

export const relatives: readonly Person[] = [
  ...['mother', 'aunt', 'grandmother', 'sister'].map((name) => ({ name, ...she })),
  ...['father', 'uncle', 'grandfather', 'brother'].map((name) => ({ name, ...he })),
];

export const numbers = [
  ...[
    'no',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ],
] as const;

export const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export const colours = ['red', 'blue', 'green', 'yellow', 'white', 'black', 'brown', 'grey', 'pink'] as const;

/** Two paints and the colour they make. */
export const paints = [
  ['blue', 'yellow', 'green'],
  ['red', 'yellow', 'orange'],
  ['red', 'blue', 'purple'],
  ['red', 'white', 'pink'],
  ['black', 'white', 'grey'],
] as const;

/** Small things that one person can own, lose, lend and find. */
export const things = [
  ...['ball', 'book', 'key', 'cup', 'kite', 'hat', 'spoon', 'drum', 'lamp', 'ring', 'coin', 'doll', 'bell'],
  ...['pen', 'scarf', 'map', 'basket', 'bucket', 'whistle', 'button', 'shell', 'flute', 'mirror', 'ribbon'],
] as const;

/** Where a small thing can lie: a preposition and a noun. */
export const spots = [
  ...['under the bed', 'behind the door', 'on the shelf', 'in the box', 'under the table', 'in the drawer'],
  ...[
    'behind the sofa',
    'on the chair',
    'beside the well',
    'in the barn',
    'under the bridge',
    'on the stairs',
  ],
  ...['behind the curtain', 'in the cupboard', 'beside the stove', 'in the tall grass'],
] as const;

/** A season, how its days feel, and what happens in it. */
export const seasons = [
  { name: 'spring', feel: 'mild', sign: 'the first flowers bloom' },
  { name: 'summer', feel: 'hot', sign: 'the children swim in the lake' },
  { name: 'autumn', feel: 'windy', sign: 'the leaves fall from the trees' },
  { name: 'winter', feel: 'cold', sign: 'the snow covers the fields' },
] as const;

export const places = [
  'river',
  'forest',
  'sea',
  'mill',
  'church',
  'market',
  'lake',
  'hill',
  'school',
] as const;

/** An animal: its plural, its food (one portion, then in general), its home, its voice and its young. */
export interface Animal {
  name: string;
  plural: string;
  portion: string;
  food: string;
  home: string;
  voice: string;
  went: string;
  young: string;
}

const animal = (row: string): Animal => {
  const [name, plural, portion, food, home, voice, went, young] = row.split(' | ');
  return { name, plural, portion, food, home, voice, went, young };
};

export const animals: readonly Animal[] = [
  'dog | dogs | a bone | bones | kennel | bark | ran | puppy',
  'cat | cats | a fish | fish | basket | meow | crept | kitten',
  'rabbit | rabbits | a carrot | carrots | burrow | squeak | hopped | bunny',
  'horse | horses | some hay | hay | stable | neigh | trotted | foal',
  'cow | cows | some grass | grass | barn | moo | walked | calf',
  'hen | hens | some corn | corn | coop | cluck | hurried | chick',
  'mouse | mice | some cheese | cheese | hole | squeak | slipped | pup',
  'bear | bears | some honey | honey | cave | growl | walked | cub',
  'squirrel | squirrels | a nut | nuts | tree | chatter | climbed | kit',
  'bird | birds | a worm | worms | nest | sing | flew | nestling',
  'duck | ducks | some weed | weed | pond | quack | swam | duckling',
  'frog | frogs | a fly | flies | pond | croak | jumped | tadpole',
  'pig | pigs | an apple | apples | sty | grunt | trotted | piglet',
  'goat | goats | some leaves | leaves | shed | bleat | climbed | kid',
  'sheep | sheep | some clover | clover | meadow | bleat | walked | lamb',
  'owl | owls | a mouse | mice | tower | hoot | flew | owlet',
].map(animal);

/** Adjectives that turn each other round, and the nouns that both of them suit. */
export const opposites = [
  { pair: ['hot', 'cold'], nouns: ['bath', 'plate', 'drink', 'pie'] },
  { pair: ['big', 'small'], nouns: ['house', 'boat', 'bag', 'cake'] },
  { pair: ['heavy', 'light'], nouns: ['bag', 'box', 'basket', 'stone'] },
  { pair: ['full', 'empty'], nouns: ['cup', 'bucket', 'box', 'plate'] },
  { pair: ['wet', 'dry'], nouns: ['coat', 'hat', 'towel', 'shirt'] },
  { pair: ['clean', 'dirty'], nouns: ['shirt', 'plate', 'window', 'spoon'] },
  { pair: ['long', 'short'], nouns: ['rope', 'story', 'scarf', 'song'] },
  { pair: ['old', 'new'], nouns: ['book', 'hat', 'chair', 'clock'] },
  { pair: ['fast', 'slow'], nouns: ['horse', 'boat', 'train', 'bicycle'] },
  { pair: ['loud', 'quiet'], nouns: ['drum', 'song', 'voice', 'clock'] },
  { pair: ['sweet', 'sour'], nouns: ['apple', 'plum', 'juice', 'cherry'] },
  { pair: ['thick', 'thin'], nouns: ['book', 'rope', 'blanket', 'candle'] },
] as const;

/** A weather: how it looks, what it does to the world, what to wear, what to do in it. */
export const weathers = [
  {
    sky: 'It was raining',
    world: 'The streets were wet',
    wear: ['umbrella', 'raincoat', 'boots'],
    play: 'jumped over the puddles',
  },
  {
    sky: 'It was snowing',
    world: 'The fields were white',
    wear: ['coat', 'gloves', 'mittens'],
    play: 'built a snowman',
  },
  {
    sky: 'The sun was shining',
    world: 'The sand was warm',
    wear: ['sunglasses', 'sandals', 'swimsuit'],
    play: 'swam in the sea',
  },
  {
    sky: 'The wind was blowing',
    world: 'The leaves were dancing',
    wear: ['jacket', 'kite', 'cap'],
    play: 'flew a kite on the hill',
  },
  {
    sky: 'The lake was frozen',
    world: 'The ice was smooth',
    wear: ['skates', 'scarf', 'sweater'],
    play: 'skated on the ice',
  },
  {
    sky: 'The fog was thick',
    world: 'The church was hidden',
    wear: ['lantern', 'torch', 'compass'],
    play: 'walked slowly along the path',
  },
] as const;

/** The parts of a day in their order: the sky, the meal, and what one does. */
export const hours = [
  { time: 'In the morning', sky: 'the sun rose', meal: 'breakfast', act: 'woke up' },
  { time: 'At noon', sky: 'the sun stood high', meal: 'lunch', act: 'came home from school' },
  { time: 'In the evening', sky: 'the sun set', meal: 'supper', act: 'lit the lamp' },
  { time: 'At night', sky: 'the moon shone', meal: 'nothing', act: 'went to bed' },
] as const;

/** What is eaten at any meal. */
export const dishes = [
  'bread',
  'soup',
  'eggs',
  'porridge',
  'beans',
  'pancakes',
  'cheese',
  'potatoes',
] as const;

/** A trade: what is made or done, where, and with which tool. */
export const trades = [
  { who: 'baker', did: 'baked bread', at: 'bakery', tool: 'oven' },
  { who: 'farmer', did: 'ploughed the fields', at: 'farm', tool: 'tractor' },
  { who: 'teacher', did: 'taught the children', at: 'school', tool: 'chalk' },
  { who: 'doctor', did: 'helped the sick', at: 'hospital', tool: 'medicine' },
  { who: 'fisher', did: 'caught fish', at: 'harbour', tool: 'net' },
  { who: 'painter', did: 'painted pictures', at: 'studio', tool: 'brush' },
  { who: 'tailor', did: 'sewed shirts', at: 'shop', tool: 'needle' },
  { who: 'miller', did: 'ground the corn', at: 'mill', tool: 'wheel' },
  { who: 'smith', did: 'made horseshoes', at: 'forge', tool: 'hammer' },
  { who: 'gardener', did: 'planted roses', at: 'garden', tool: 'spade' },
] as const;

/** A wish and the tool it takes. */
export const tasks = [
  ['cut the paper', 'scissors'],
  ['sweep the floor', 'broom'],
  ['eat the soup', 'spoon'],
  ['write a letter', 'pen'],
  ['open the door', 'key'],
  ['dig a hole', 'spade'],
  ['wash the plates', 'soap'],
  ['paint the fence', 'brush'],
  ['saw the wood', 'saw'],
  ['climb to the roof', 'ladder'],
  ['slice the bread', 'knife'],
  ['see the stars', 'telescope'],
  ['catch a fish', 'net'],
  ['light the candle', 'match'],
] as const;

/** What one needs and where to get it. */
export const errands = [
  ['bread', 'bakery'],
  ['books', 'library'],
  ['stamps', 'post office'],
  ['fish', 'harbour'],
  ['medicine', 'pharmacy'],
  ['tickets', 'station'],
  ['vegetables', 'market'],
  ['eggs', 'farm'],
  ['flour', 'mill'],
  ['flowers', 'garden'],
] as const;

/** A present and what is done with it all day long. */
export const presents = [
  ['drum', 'played'],
  ['kite', 'flew'],
  ['book', 'read'],
  ['bicycle', 'rode'],
  ['boat', 'sailed'],
  ['ball', 'threw'],
  ['song', 'sang'],
  ['hat', 'wore'],
  ['puzzle', 'solved'],
  ['cake', 'ate'],
] as const;

/** A deed, the same as a participle, what came of it, and the question it raises. */
export const causes = [
  [
    'forgot to water the flowers',
    'forgotten to water the flowers',
    'The flowers drooped',
    'did the flowers droop',
  ],
  ['dropped the glass', 'dropped the glass', 'The glass broke', 'did the glass break'],
  ['left the gate open', 'left the gate open', 'The sheep ran away', 'did the sheep run away'],
  ['left the butter in the sun', 'left the butter in the sun', 'The butter melted', 'did the butter melt'],
  ['blew out the candle', 'blown out the candle', 'The room was dark', 'is the room dark'],
  ['opened the curtain', 'opened the curtain', 'The room was bright', 'is the room bright'],
  ['pulled the rope', 'pulled the rope', 'The bell rang', 'did the bell ring'],
  ['shook the tree', 'shaken the tree', 'The apples fell down', 'did the apples fall down'],
  ['told a joke', 'told a joke', 'Everybody laughed', 'did everybody laugh'],
  ['forgot the soup on the stove', 'forgotten the soup on the stove', 'The soup burned', 'did the soup burn'],
  ['closed all the windows', 'closed all the windows', 'The room was warm', 'is the room warm'],
  ['cut the string', 'cut the string', 'The balloon flew away', 'did the balloon fly away'],
  ['stepped on the ice', 'stepped on the ice', 'The ice cracked', 'did the ice crack'],
  ['fed the fire', 'fed the fire', 'The fire burned high', 'does the fire burn high'],
] as const;

/** What can be counted, picked and shared: one, then many. */
export const counted = [
  ...['apple', 'pear', 'plum', 'nut', 'egg', 'shell', 'stone', 'coin', 'cake', 'button', 'feather', 'flower'],
] as const;

/** What an animal or a child does: one, then many. */
export const verbs = [
  ...['sleep', 'play', 'run', 'jump', 'sit', 'wait', 'eat', 'drink', 'rest', 'hide', 'dance', 'swim'],
] as const;
