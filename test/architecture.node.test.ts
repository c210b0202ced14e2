import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each layer may import itself and those before it. */
const layers = [
  'shaders',
  'src/gpu',
  'src/kernels',
  'src/autograd',
  'src/nn',
  'src/mlm',
  'src/serve',
  'bench',
  'src/cli',
  'web',
];
const engine = layers.slice(0, 5);

const platformGlobals = ['process', 'Buffer', 'document', 'window', 'navigator'];

/** Replaces comments, and strings and template text where `keepStrings` is false, by blanks. Line numbers stay. */
function strip(source: string, keepStrings: boolean): string {
  const tokens = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return source.replace(tokens, (token) =>
    token[0] !== '/' && keepStrings ? token : token.replace(/[^\n]/g, ' '),
  );
}

/** The specifiers of static, dynamic, type-only and re-exporting imports. */
function importsOf(source: string): string[] {
  const code = strip(source, true);
  const from = /\b(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/g;
  const bare = /\bimport\s*(?:\(\s*)?['"]([^'"]+)['"]/g;
  return [...code.matchAll(from), ...code.matchAll(bare)].map((match) => match[1]);
}

function layerOf(path: string): string | undefined {
  return layers.find((layer) => path.startsWith(`${layer}/`));
}

/** What is wrong with a file, by its path from the root (with slashes) and its text. */
function violations(path: string, source: string): string[] {
  const layer = layerOf(path);
  const mayNamePlatform = layer === 'src/cli' || layer === 'web' || /\.(node|browser)\.ts$/.test(path);
  const found: string[] = [];

  for (const specifier of importsOf(source)) {
    if (specifier === '#platform') {
      if (layer === 'shaders') found.push(`${path} imports the platform`);
    } else if (specifier.startsWith('.')) {
      const target = relative(root, resolve(root, dirname(path), specifier)).replaceAll('\\', '/');
      const targetLayer = layerOf(target);
      if (layer && targetLayer && layers.indexOf(targetLayer) > layers.indexOf(layer)) {
        found.push(`${path} imports ${target}: ${layer} comes before ${targetLayer}`);
      }
      if (layer && !targetLayer) found.push(`${path} imports ${target}, which is in no layer`);
      if (!mayNamePlatform && /\.(node|browser)\.ts$/.test(target)) {
        found.push(`${path} imports the platform file ${target}`);
      }
    } else if (specifier.startsWith('node:')) {
      if (!mayNamePlatform) found.push(`${path} imports ${specifier}`);
    } else if (specifier === 'webgpu') {
      if (path !== 'src/gpu/platform.node.ts') found.push(`${path} imports webgpu`);
    } else if (layer && engine.includes(layer) && !/^wgsl-preprocessor(\/|$)/.test(specifier)) {
      found.push(`${path} imports the package ${specifier}: the engine does without`);
    }
  }

  if (!mayNamePlatform) {
    const code = strip(source, false);
    for (const name of platformGlobals) {
      const used = new RegExp(
        `(?<![\\w$.#])${name}\\s*(?:\\?\\.|[.([])|\\btypeof\\s+${name}\\b|\\bglobalThis\\.${name}\\b`,
      );
      const own = new RegExp(
        `\\b(?:const|let|function)\\s+${name}\\b|[(,]\\s*${name}\\s*(?::|,|\\)\\s*(?::|=>))`,
      );
      if (own.test(code)) continue; // a word of the file's own, such as a document of a corpus
      if (used.test(code)) found.push(`${path} names the platform's ${name}`);
    }
  }
  return found;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
}

describe('architecture', () => {
  const files = [...sources('shaders'), ...sources('src'), ...sources('bench')];

  test('imports point one way, and the platform stays in its files', () => {
    expect(files.length).toBeGreaterThan(10);
    const found = files.flatMap((path) => violations(path, readFileSync(join(root, path), 'utf8')));
    expect(found).toEqual([]);
  });

  test.each([
    ['src/gpu/a.ts', "import { x } from '../kernels/b.ts';"],
    ['src/kernels/a.ts', "import type {\n  X,\n} from '../nn/b.ts';"],
    ['src/nn/a.ts', "export * from '../mlm/b.ts';"],
    ['shaders/a.ts', "import '../src/gpu/errors.ts';"],
    ['src/mlm/a.ts', "const x = await import('../cli/main.ts');"],
    ['src/mlm/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/nn/a.ts', "import { object } from 'valibot';"],
    ['src/gpu/device.ts', "import { create } from 'webgpu';"],
    ['src/cli/a.ts', "import { create } from 'webgpu';"],
    ['src/gpu/device.ts', "import { platform } from './platform.node.ts';"],
    ['src/mlm/a.ts', 'const home = process.env.HOME;'],
    ['src/mlm/a.ts', 'const gpu = navigator.gpu;'],
    ['src/mlm/a.ts', "const inBrowser = typeof window !== 'undefined';"],
    ['src/mlm/a.ts', 'const bytes = Buffer.from(text);'],
  ])('in %s finds fault with %s', (path, source) => {
    expect(violations(path, source)).toHaveLength(1);
  });

  test.each([
    [
      'src/nn/a.ts',
      "import { x } from '../kernels/b.ts';\nimport { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';",
    ],
    [
      'src/mlm/a.ts',
      "import { object } from 'valibot';\n// process.env is the CLI's\nconst window = 3 + offset.window;",
    ],
    ['src/mlm/a.ts', 'for (const document of corpus) total += document.length;'],
    ['src/mlm/a.ts', 'const sizes = corpus.map((document) => document.length);'],
    ['src/gpu/device.ts', "import { platform } from '#platform';"],
    ['src/gpu/platform.node.ts', "const dawn = await import('webgpu');\nprocess.env.X = navigator.y;"],
    ['src/mlm/interchange/hub.node.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/cli/main.ts', "import { argv } from 'node:process';\nimport { train } from '../mlm/index.ts';"],
  ])('in %s has nothing against %s', (path, source) => {
    expect(violations(path, source)).toEqual([]);
  });
});
