import { expect, test } from 'vitest';
import { Dropout, LayerNorm, Linear, Module, numberDropouts } from '../../src/nn/index.ts';

class Block extends Module {
  readonly dense = this.child('dense', new Linear(3, 2));
  readonly norm = this.child('norm', new LayerNorm(2));
  readonly dropout = this.child('dropout', new Dropout(0.1));
}

class Model extends Module {
  readonly scale = this.parameter('scale', [4, 1], (values) => values.fill(1), { decays: true });
  readonly first = this.child('first', new Block());
  readonly second = this.child('second', new Block());
  readonly head = this.child('head', new Linear(2, 5, { bias: false }));
}

test('parameters have full names, in order of construction', () => {
  const names = [...new Model().namedParameters()].map(([name, { shape }]) => `${name} ${shape.join('x')}`);
  expect(names).toEqual([
    'scale 4x1',
    'first.dense.weight 2x3',
    'first.dense.bias 2',
    'first.norm.weight 2',
    'first.norm.bias 2',
    'second.dense.weight 2x3',
    'second.dense.bias 2',
    'second.norm.weight 2',
    'second.norm.bias 2',
    'head.weight 5x2',
  ]);
});

test('weight decay is for matrices', () => {
  const decaying = [...new Model().namedParameters()].flatMap(([name, { decays }]) => (decays ? [name] : []));
  expect(decaying).toEqual(['scale', 'first.dense.weight', 'second.dense.weight', 'head.weight']);
});

test('modules have full names, the root none', () => {
  const names = [...new Model().namedModules()].map(([name]) => name);
  expect(names).toEqual([
    '',
    'first',
    'first.dense',
    'first.norm',
    'first.dropout',
    'second',
    'second.dense',
    'second.norm',
    'second.dropout',
    'head',
  ]);
});

test('train and eval reach every module below', () => {
  const model = new Model();
  const states = () => new Set([...model.namedModules()].map(([, module]) => module.training));
  expect(states()).toEqual(new Set([true]));
  expect(model.eval()).toBe(model);
  expect(states()).toEqual(new Set([false]));
  model.first.train();
  expect(model.first.dropout.training).toBe(true);
  expect(model.second.dropout.training).toBe(false);
});

test('every dropout gets a number of its own', () => {
  const model = new Model();
  numberDropouts(model);
  expect([model.first.dropout.layer, model.second.dropout.layer]).toEqual([0, 1]);
});

test('a parameter without memory says what to do', () => {
  expect(() => new Linear(2, 2).weight.value).toThrow(/no memory yet. Call materialize\(\) first/);
});
