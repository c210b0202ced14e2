import { expect, test } from 'vitest';
import { measureStart, startText } from '../../bench/start.node.ts';
import { cloze } from '../cli/terminal.node.ts';

test('the way to the first loss is told by its stages', async () => {
  const sizes = { model: 'nano', seqLen: 16, batch: 2, vocab: 48, maskRate: 0.25 };
  const report = await measureStart({ ...sizes, adapter: process.env.CLOZE_ADAPTER });
  for (const { modules, device, model, firstLoss } of [report.cold, report.warm]) {
    const stages = [modules, device, model, firstLoss];
    expect([...stages].sort((a, b) => a - b)).toEqual(stages);
  }
  expect(startText(report).join('\n')).toMatch(/first loss +\d/);
});

test('an unknown preset is refused before anything is measured', async () => {
  const { code, err } = await cloze(['bench', 'start', '--model', 'huge']);
  expect(code).toBe(1);
  expect(err).toContain('huge');
});
