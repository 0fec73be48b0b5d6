const test = require('tape');
test('prices', t => { t.equal(1 + 1, 2, 'adds'); t.deepEqual({ a: 1 }, { a: 2 }, 'same order'); t.end(); });
test('late', t => { setTimeout(() => { console.log('in between'); t.fail('never'); t.end(); }, 20); });
