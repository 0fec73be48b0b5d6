const f = (n) => { if (n > 2) throw new TypeError(`order ${n}`); return f(n + 1); };
for (let i = 0; i < 3; i++) { try { f(i); } catch (e) { console.error(e); } }
console.error('three errors');
console.error(new RangeError('no frames here').message);
for (const e of [new Error('first\nsecond line'), Object.assign(new Error('with members'), { code: 'E_X', detail: { id: 7 } })]) console.error(e);
console.error({ a: 1, b: { c: ['x'.repeat(40), 'y'.repeat(40)] } });
console.error([{ id: 1, text: 'z'.repeat(60) }]);
console.error('%s happened', 'something');
process.nextTick(() => { throw new Error('at last'); });
