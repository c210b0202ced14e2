/** Where a family puts its special tokens around one text or two: BERT's is [CLS] A [SEP] and [CLS] A [SEP] B [SEP]. */
export interface Template {
  readonly single: readonly TemplateItem[];
  readonly pair: readonly TemplateItem[];
}

/** A special token, or the whole of the first (0) or second (1) text, with the type id of its tokens. */
export type TemplateItem =
  | { readonly token: number; readonly typeId: number }
  | { readonly text: 0 | 1; readonly typeId: number };

/** No special tokens at all. */
export const bareTemplate: Template = {
  single: [{ text: 0, typeId: 0 }],
  pair: [
    { text: 0, typeId: 0 },
    { text: 1, typeId: 1 },
  ],
};

/** Devlin et al., "BERT", 2019, figure 2. */
export function bertTemplate(cls: number, sep: number): Template {
  const single: TemplateItem[] = [
    { token: cls, typeId: 0 },
    { text: 0, typeId: 0 },
    { token: sep, typeId: 0 },
  ];
  return { single, pair: [...single, { text: 1, typeId: 1 }, { token: sep, typeId: 1 }] };
}

/** RoBERTa's: <s> A </s> and <s> A </s> </s> B </s>, every type id 0. */
export function robertaTemplate(cls: number, sep: number): Template {
  const single: TemplateItem[] = [
    { token: cls, typeId: 0 },
    { text: 0, typeId: 0 },
    { token: sep, typeId: 0 },
  ];
  const second: TemplateItem[] = [
    { token: sep, typeId: 0 },
    { text: 1, typeId: 0 },
    { token: sep, typeId: 0 },
  ];
  return { single, pair: [...single, ...second] };
}

/** The `post_processor` of tokenizer.json. `name` gives a special token's text. */
export function templateToJSON(template: Template, name: (id: number) => string): object {
  const used = new Set<number>();
  const items = (list: readonly TemplateItem[]) =>
    list.map((item) => {
      if ('text' in item) return { Sequence: { id: 'AB'[item.text], type_id: item.typeId } };
      used.add(item.token);
      return { SpecialToken: { id: name(item.token), type_id: item.typeId } };
    });
  const single = items(template.single);
  const pair = items(template.pair);
  const entry = (id: number) => [name(id), { id: name(id), ids: [id], tokens: [name(id)] }];
  const special_tokens = Object.fromEntries([...used].map(entry));
  return { type: 'TemplateProcessing', single, pair, special_tokens };
}
