/** The page as a newcomer uses it: one press of Start, and the default model learns. */
import { expect, test } from 'vitest';
import { openPage } from '../web/page.node.ts';

/** Nats for each hidden word. Word frequencies alone give 4.6; this takes the words beside a blank. */
const learnt = 1.3;

test('the default model learns to fill blanks', async () => {
  await using served = await openPage();
  const { page, complaints } = served;
  await page.waitForSelector('.adapter .dot');
  const began = Date.now();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.waitForFunction(
    (loss) => Number(document.querySelector<HTMLElement>('section.status')?.dataset.loss ?? 9) < loss,
    learnt,
    { timeout: 1_500_000 },
  );
  const { firstStep, step } = await page.$eval('section.status', (status) => ({
    ...(status as HTMLElement).dataset,
  }));
  console.log(
    `first step after ${firstStep} s, loss below ${learnt} at step ${step} after ${(Date.now() - began) / 1000} s`,
  );
  await page.waitForSelector('.bars li[data-token="lost"]:first-child', { timeout: 900_000 });
  const shots = process.env.CLOZE_SCREENSHOTS;
  if (shots) {
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.waitForSelector('section.status[data-state="stopped"]', { timeout: 300_000 });
    await page.evaluate(() => scrollTo(0, 0));
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${shots}/page-${colorScheme}.png`, fullPage: true });
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 360, height: 780 });
    await page.waitForTimeout(500);
    await page.screenshot({ path: `${shots}/page-phone.png`, fullPage: true });
  }
  expect(complaints).toEqual([]);
}, 3_000_000);
