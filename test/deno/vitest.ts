/**
 * As much of Vitest as the tests of the engine use, for Deno, where Vitest's own workers do not run: a file registers its
 * tests while it is imported, and `runRegistered` runs them one after the other. `expect` is Vitest's own.
 */
import { ASYMMETRIC_MATCHERS_OBJECT, JestAsymmetricMatchers, JestChaiExpect, setState } from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
const globals = globalThis as unknown as Record<symbol, object>;
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  globals[ASYMMETRIC_MATCHERS_OBJECT as unknown as symbol],
);
setState({ assertionCalls: 0 }, expect as never);

type Body = (...args: never[]) => unknown;
interface Group {
  name: string;
  tests: { name: string; body: Body; args: readonly unknown[] }[];
  groups: Group[];
  hooks: Record<'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach', Body[]>;
}

const group = (name: string): Group => ({
  name,
  tests: [],
  groups: [],
  hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] },
});

let open = group('');

/** `%s` and its like, filled from the arguments in order; `$name` from the fields of the first. */
function title(pattern: string, args: readonly unknown[]): string {
  let next = 0;
  return pattern
    .replace(/%[sdifjo]/g, () => String(args[next++]))
    .replace(/\$(\w+)/g, (whole, key) => String((args[0] as Record<string, unknown>)?.[key] ?? whole));
}

const each =
  (define: (name: string, body: Body, args: readonly unknown[]) => void) => (rows: readonly unknown[]) => {
    return (pattern: string, body: Body) => {
      for (const row of rows) {
        const args = Array.isArray(row) ? row : [row];
        define(title(pattern, args), body, args);
      }
    };
  };

function addTest(name: string, body: Body, args: readonly unknown[] = []): void {
  open.tests.push({ name, body, args });
}

function addGroup(name: string, body: Body, args: readonly unknown[] = []): void {
  const outer = open;
  open = group(name);
  outer.groups.push(open);
  body(...(args as never[]));
  open = outer;
}

export const test = Object.assign((name: string, body: Body) => addTest(name, body), { each: each(addTest) });
export const describe = Object.assign((name: string, body: Body) => addGroup(name, body), {
  each: each(addGroup),
});
export const beforeAll = (body: Body) => open.hooks.beforeAll.push(body);
export const afterAll = (body: Body) => open.hooks.afterAll.push(body);
export const beforeEach = (body: Body) => open.hooks.beforeEach.push(body);
export const afterEach = (body: Body) => open.hooks.afterEach.push(body);

export interface Outcome {
  name: string;
  error?: Error;
}

/** Runs what was registered since the last call; with `only`, the tests whose path holds that text. */
export async function runRegistered(tell: (outcome: Outcome) => void, only = ''): Promise<void> {
  const root = open;
  open = group('');
  await runGroup(root, '', [], tell, only);
}

async function runGroup(
  { tests, groups, hooks }: Group,
  path: string,
  outer: readonly Group['hooks'][],
  tell: (outcome: Outcome) => void,
  only: string,
): Promise<void> {
  const around = [...outer, hooks];
  for (const hook of hooks.beforeAll) await hook();
  for (const { name, body, args } of tests) {
    const outcome: Outcome = { name: `${path}${name}` };
    if (!outcome.name.includes(only)) continue;
    try {
      for (const { beforeEach } of around) for (const hook of beforeEach) await hook();
      await body(...(args as never[]));
    } catch (error) {
      outcome.error = error as Error;
    } finally {
      for (const { afterEach } of around) for (const hook of afterEach) await hook();
    }
    tell(outcome);
  }
  for (const inner of groups) await runGroup(inner, `${path}${inner.name} > `, around, tell, only);
  for (const hook of hooks.afterAll) await hook();
}
