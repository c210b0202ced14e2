/** The page in a browser without WebGPU. */
import { expect, test } from 'vitest';
import { seriousFaults } from './axe.node.ts';
import { openPage } from './page.node.ts';

test('a browser without WebGPU is told what to do instead', async () => {
  await using served = await openPage({ webgpu: false });
  const { page, complaints } = served;
  await page.getByRole('heading', { name: 'This browser lends the page no GPU' }).waitFor();
  const text = await page.locator('main').innerText();
  for (const part of [/no WebGPU/, 'Chrome, Edge', 'Safari', 'Firefox', 'npm ci && npm start']) {
    expect(text).toMatch(part);
  }
  expect(await page.getByRole('button').count()).toBe(0);
  expect(await seriousFaults(page)).toEqual([]);
  expect(complaints).toEqual([]);
});
