/** What is answered in a task-oriented dialogue: what the user wants, as slots, then a reply; and both as one text. */

/** Values by the name of the slot. */
export type Slots = Readonly<Record<string, string>>;

export interface DialogueAnswer {
  slots: Slots;
  response: string;
}

/** What may stand neither in a slot's name nor in its value. */
export const slotMarks = /[=;|]/;

/** `name = value ; name = value | reply`: the target that a model learns to write. */
export function writeAnswer({ slots, response }: DialogueAnswer): string {
  const pairs = Object.entries(slots).map(([name, value]) => `${name} = ${value}`);
  return `${pairs.join(' ; ')} | ${response}`.trim();
}

/** Reads back what {@link writeAnswer} writes, and makes what it can of what a model wrote instead. */
export function readAnswer(text: string): DialogueAnswer {
  const bar = text.indexOf('|');
  const pairs = (bar < 0 ? '' : text.slice(0, bar)).split(';').map((pair) => pair.split('='));
  const slots = pairs
    .filter((pair) => pair.length === 2)
    .map(([name, value]): [string, string] => [name.trim(), value.trim()]);
  return { slots: Object.fromEntries(slots), response: text.slice(bar + 1).trim() };
}
