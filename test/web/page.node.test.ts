/** The built page in a real Chromium: a text is pasted and learnt, the run survives a reload, and its model goes to Node. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloze } from '../cli/terminal.node.ts';
import { seriousFaults } from './axe.node.ts';
import { openPage, type ServedPage } from './page.node.ts';

let served: ServedPage;
let page: Page;
beforeAll(async () => {
  served = await openPage();
  page = served.page;
  page.setDefaultTimeout(60_000);
  await page.waitForSelector('.adapter .dot');
});
afterAll(() => served[Symbol.asyncDispose]());

const stepNow = async () => Number(await page.getAttribute('section.status', 'data-step'));

async function untilStep(step: number): Promise<void> {
  await page.waitForFunction(
    (step) => Number(document.querySelector<HTMLElement>('section.status')?.dataset.step) >= step,
    step,
    { timeout: 240_000 },
  );
}

test('a pasted text is learnt, a reload goes on, and the saved model says the same in Node', async () => {
  await page.getByText('My own text').click();
  const sentences = ['the cat sat on the mat .', 'the dog lay in the sun .', 'the bird sang in the tree .'];
  const text = Array.from({ length: 240 }, (_, i) => sentences[i % 3]).join('\n\n');
  await page.getByLabel('Paste a text').fill(text);
  await page.getByText('All options').click();
  for (const [name, value] of Object.entries({
    'vocab size': '64',
    'seq len': '16',
    'batch size': '8',
    'checkpoint every': '10',
    'eval every': '20',
    layers: '1',
  })) {
    await page
      .locator('.options label', { has: page.getByText(name, { exact: true }) })
      .locator('input')
      .fill(value);
  }
  await page.getByLabel('Steps', { exact: true }).fill('2000');
  await page.getByRole('button', { name: 'Start' }).click();
  await untilStep(12);

  await page.reload();
  // Until it has done a step of its own, what is shown is what was kept.
  await page.waitForSelector('section.status[data-state="running"][data-first-step]', { timeout: 240_000 });
  expect(await stepNow()).toBeLessThan(2000);

  // A pause saves where the run is, long before its next checkpoint would.
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForFunction(
    () => {
      const { state, step, saved } = document.querySelector<HTMLElement>('section.status')?.dataset ?? {};
      return state === 'paused' && step === saved;
    },
    undefined,
    { timeout: 60_000 },
  );
  const paused = await stepNow();
  await page.reload();
  await page.waitForSelector('section.status[data-state="paused"]', { timeout: 240_000 });
  expect(await stepNow()).toBe(paused);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.waitForSelector('section.status[data-state="running"][data-first-step]', { timeout: 240_000 });
  expect(await page.getAttribute('section.status', 'data-first')).toBe(`${paused + 1}`);
  await untilStep(paused + 2);

  await page.getByRole('button', { name: 'Another sentence' }).click();
  await page.getByLabel('Your sentence').fill('the cat [MASK] on the mat .');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.waitForSelector('.bars li[data-token="sat"]:first-child', { timeout: 240_000 });

  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForSelector('section.status[data-state="stopped"]', { timeout: 240_000 });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save model' }).click(),
  ]);
  const zip = join(served.folder, 'model.zip');
  await download.saveAs(zip);
  const shown = await page.$$eval('.bars li', (items) =>
    items.map(({ dataset }) => ({ token: dataset.token, score: Number(dataset.score) })),
  );
  const asked = (await page.getAttribute('.words', 'data-text')) as string;
  const { code, out } = await cloze(['fill-mask', '--model', zip, '--json', '--top-k', '6', asked]);
  expect(code).toBe(0);
  const told = JSON.parse(out) as { token_str: string; score: number }[];
  expect(told.map(({ token_str }) => token_str).slice(0, 2)).toEqual(
    shown.map(({ token }) => token).slice(0, 2),
  );
  told.forEach(({ score }, i) => {
    expect(Math.abs(score - shown[i].score)).toBeLessThan(1e-4);
  });
  expect(await seriousFaults(page)).toEqual([]);
}, 600_000);

test('the folder of a data set is learnt from, and a file that lacks its text is named', async () => {
  const dataset = mkdtempSync(join(tmpdir(), 'cloze-dataset-'));
  const line = (record: object) => `${JSON.stringify(record)}\n`;
  writeFileSync(join(dataset, 'README.md'), '---\nlicense: mit\n---\n');
  writeFileSync(join(dataset, 'train.jsonl'), line({ text: 'the cat sat on the mat .' }).repeat(120));
  await page.getByText('My own text').click();
  await page.getByLabel('Choose a folder').setInputFiles(dataset);
  await page.getByText(/^train\.jsonl: /).waitFor();
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await untilStep(2);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForSelector('section.status[data-state="stopped"]', { timeout: 240_000 });

  const broken = join(dataset, 'broken.jsonl');
  writeFileSync(broken, line({ sentence: 'there is no text here' }));
  await page.getByLabel('Choose files').setInputFiles(broken);
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await page
    .getByRole('alert')
    .getByText(/broken\.jsonl, record 1 has no text in the field text/)
    .waitFor();
  rmSync(dataset, { recursive: true });

  writeFileSync(join(served.folder, 'far.txt'), 'the dog lay in the sun .\n\n'.repeat(120));
  await page.getByLabel('Or an address').fill(`${served.address}far.txt`);
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await untilStep(1);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForSelector('section.status[data-state="stopped"]', { timeout: 240_000 });
}, 600_000);

/** Makes the page believe that its tab went to the background, or came back. */
async function hide(hidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

test('in the background a run goes on or rests, as told, and it outlives the GPU process', async () => {
  const state = (name: string) =>
    page.waitForSelector(`section.status[data-state="${name}"]`, { timeout: 240_000 });
  await page.getByRole('button', { name: /^Start/ }).click();
  await untilStep(2);
  await hide(true);
  await untilStep((await stepNow()) + 2);
  await hide(false);
  await page.getByLabel('Go on while this tab is in the background').uncheck();
  await hide(true);
  await state('paused');
  await hide(false);
  await state('running');
  const before = await stepNow();
  await untilStep(before + 1);

  const session = await served.browser.newBrowserCDPSession();
  await session.send('Browser.crashGpuProcess');
  await page.waitForFunction(() =>
    document.querySelector('.status [role=status]')?.textContent?.includes('was lost'),
  );
  await untilStep((await stepNow()) + 2);
  await page.getByRole('button', { name: 'Stop' }).click();
  await state('stopped');
}, 600_000);

test('a kernel is measured, ranked, shown and exported', async () => {
  await page.getByRole('button', { name: 'Kernels' }).click();
  for (const name of ['softmax', 'layerNorm', 'matmulNT', 'gelu']) {
    await page.getByLabel(name, { exact: true }).setChecked(name === 'softmax', { force: true });
  }
  await page.getByRole('button', { name: 'Measure' }).click();
  await page.waitForSelector('.kernel tbody tr', { timeout: 240_000 });
  await page.getByRole('button', { name: 'Measure' }).waitFor({ timeout: 240_000 });
  await page
    .getByRole('button', { name: /^WGSL of softmax/ })
    .first()
    .click();
  expect(await page.locator('.source pre').innerText()).toContain('@compute');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export JSON' }).click(),
  ]);
  const report = JSON.parse(readFileSync(await download.path(), 'utf8'));
  expect(report.rows[0]).toMatchObject({ kernel: 'softmax' });
  expect(report.ceiling.gflops).toBeGreaterThan(0);
  expect(await seriousFaults(page)).toEqual([]);
}, 600_000);

test('no side scrolls on a narrow phone, and nothing was complained of', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const name of ['Train', 'Kernels']) {
    await page.getByRole('button', { name, exact: true }).click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await seriousFaults(page)).toEqual([]);
  expect(served.complaints).toEqual([]);
});
