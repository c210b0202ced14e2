import { defaultClientConditions, defineConfig } from 'vite';

/** The page: static files in `dist/web`, which any server can serve from any folder. */
export default defineConfig({
  root: 'web',
  base: './',
  resolve: { conditions: ['cloze-source', ...defaultClientConditions] },
  build: { outDir: '../dist/web', emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false } },
  worker: { format: 'es' },
});
