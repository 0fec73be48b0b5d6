const { describe, it } = require('mocha'); const assert = require('assert');
describe('orders', () => {
  it('adds up', () => assert.strictEqual(1 + 1, 2));
  it('compares', () => assert.deepStrictEqual({ total: 3, lines: [1] }, { total: 4, lines: [1] }));
  it('throws', () => { undefined.sku; });
});
