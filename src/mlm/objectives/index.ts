/** All objectives by name, and their options. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { autoencoder } from './autoencoder.ts';
import { causal } from './causal.ts';
import { diffusion } from './diffusion.ts';
import { electra } from './electra.ts';
import { infilling } from './infilling.ts';
import { maskedLanguageModel } from './maskedLanguageModel.ts';
import { hybrid, maskedNextToken } from './maskedNextToken.ts';
import type { Objective, ObjectiveKind } from './objective.ts';
import { spanBoundary } from './spanBoundary.ts';
import { spanCorruption } from './spanCorruption.ts';

export type {
  AttentionKind,
  BatchLoss,
  Corruption,
  Example,
  Objective,
  ObjectiveKind,
  RowKey,
  Trainee,
} from './objective.ts';

const kinds = {
  mlm: maskedLanguageModel,
  sbo: spanBoundary,
  causal,
  mntp: maskedNextToken,
  hybrid,
  diffusion,
  t5: spanCorruption,
  bart: infilling,
  electra,
  autoencoder,
};

type Kinds = typeof kinds;
export type ObjectiveName = keyof Kinds;

export const objectiveNames = Object.keys(kinds) as [ObjectiveName, ...ObjectiveName[]];

/** The options of all objectives; where two have one of the same name, it has one meaning, but may have two defaults. */
export type ObjectiveParameters = Partial<UnionToIntersection<ParametersOf<Kinds[ObjectiveName]>>>;

type ParametersOf<Kind> =
  Kind extends ObjectiveKind<infer Entries> ? v.InferOutput<v.ObjectSchema<Entries, undefined>> : never;

type UnionToIntersection<U> = (U extends unknown ? (x: U) => void : never) extends (x: infer I) => void
  ? I
  : never;

/** The schemas of an objective's options. */
export function parametersOf(name: ObjectiveName): v.ObjectEntries {
  return kinds[name].parameters;
}

/** The names of the options of all objectives. */
export const parameterNames = [
  ...new Set(objectiveNames.flatMap((name) => Object.keys(parametersOf(name)))),
] as (keyof ObjectiveParameters)[];

/** The objectives that have an option. */
export function objectivesWith(parameter: string): ObjectiveName[] {
  return objectiveNames.filter((name) => Object.hasOwn(parametersOf(name), parameter));
}

/**
 * The objective that options name. Throws ClozeError `option` for parameters that it refuses, and for a vocabulary on which
 * it cannot be trained.
 */
export function createObjective(
  options: { objective: ObjectiveName } & ObjectiveParameters,
  vocabulary: TokenVocabulary,
): Objective {
  const kind: ObjectiveKind = kinds[options.objective];
  const result = v.safeParse(v.object(kind.parameters), options);
  if (result.success) return kind.create(result.output, vocabulary);
  const [issue] = result.issues;
  throw new ClozeError('option', `${issue.path?.map(({ key }) => String(key)).join('.')}: ${issue.message}`);
}
