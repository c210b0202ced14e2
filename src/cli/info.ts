/** `cloze info`: the adapters that WebGPU finds here, with features and limits. */
import { createRequire } from 'node:module';
import type { Command } from 'commander';
import { limitNames } from '../gpu/capabilities.ts';
import { type FoundAdapter, fits } from '../gpu/platform.ts';
import { count } from './format.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

interface InfoFlags {
  adapter?: string;
  json?: boolean;
}

interface AdapterFacts {
  name: string;
  driver: string;
  vendor: string;
  architecture: string;
  software: boolean;
  /** Whether commands use this one unless told otherwise. */
  default: boolean;
  features: string[];
  subgroupSizes: [smallest: number, largest: number] | null;
  limits: Record<string, number>;
}

export function addInfo(program: Command, terminal: Terminal): void {
  program
    .command('info')
    .description('Show the adapters that WebGPU finds here, their features and limits.')
    .option(
      '--adapter <name>',
      'only those that fit: part of a name, or gpu, software, lavapipe, swiftshader',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze info
  $ cloze info --adapter swiftshader --json`,
    )
    .action((flags: InfoFlags) => info(flags, terminal));
}

async function info(flags: InfoFlags, terminal: Terminal): Promise<void> {
  const require = createRequire(import.meta.url);
  const facts = {
    cloze: require('cloze/package.json').version as string,
    node: process.versions.node,
    webgpu: require('webgpu/package.json').version as string,
    platform: `${process.platform}-${process.arch}`,
    adapters: await adapters(flags.adapter),
  };
  if (flags.json) return sayJson(terminal, facts);
  say(
    terminal,
    `cloze ${facts.cloze}, node ${facts.node}, webgpu ${facts.webgpu} (Dawn) on ${facts.platform}`,
  );
  for (const adapter of facts.adapters) describe(adapter, terminal);
}

/** Those that fit `choice`, the one that would be used first. Throws `no-adapter` when there is none. */
async function adapters(choice: string | undefined): Promise<AdapterFacts[]> {
  const { platform } = await import('#platform');
  const chosen = await platform.requestAdapter({ adapter: choice });
  const first = factsOf(chosen, true);
  const all = await platform.listAdapters();
  const others = all.filter(
    ({ name, driver, software }) =>
      (name !== first.name || driver !== first.driver) && fits(choice, `${name} ${driver}`, software),
  );
  return [first, ...others.map((found) => factsOf(found, false))];
}

function factsOf({ adapter, name, driver, software }: FoundAdapter, isDefault: boolean): AdapterFacts {
  const { vendor, architecture, subgroupMinSize, subgroupMaxSize } = adapter.info;
  const limits: Record<string, number> = {};
  for (const key in adapter.limits) {
    const value = adapter.limits[key as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[key] = value;
  }
  return {
    name,
    driver,
    vendor,
    architecture,
    software,
    default: isDefault,
    features: [...adapter.features].sort(),
    subgroupSizes: adapter.features.has('subgroups') ? [subgroupMinSize, subgroupMaxSize] : null,
    limits,
  };
}

function describe(adapter: AdapterFacts, terminal: Terminal): void {
  say(terminal);
  say(terminal, `${adapter.name}${adapter.default ? '  (used unless --adapter names another)' : ''}`);
  say(terminal, `  driver     ${adapter.driver}`);
  say(terminal, `  kind       ${kindOf(adapter)}`);
  if (adapter.subgroupSizes) say(terminal, `  subgroups  ${adapter.subgroupSizes.join(' to ')} lanes`);
  say(terminal, `  features   ${adapter.features.join(', ')}`);
  say(terminal, '  limits');
  for (const name of limitNames) {
    say(terminal, `    ${name.padEnd(36)}${count(adapter.limits[name]).padStart(15)}`);
  }
}

function kindOf({ name, driver, software }: AdapterFacts): string {
  if (!software) return 'hardware';
  const known = fits('lavapipe', `${name} ${driver}`, software) ? 'lavapipe, ' : '';
  return `${known}software: computes on the CPU`;
}
