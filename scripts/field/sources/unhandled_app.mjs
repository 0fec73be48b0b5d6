import { readFile } from 'node:fs/promises'; import assert from 'node:assert';
console.log('job 1 starts'); console.table([{ sku: 'pen', n: 3 }, { sku: 'ink', n: 1 }]); console.group('details'); console.log('a'); console.warn('b'); console.groupEnd();
console.log('job 1 ends'); console.dir({ a: { b: { c: { d: 1 } } }, list: Array.from({ length: 120 }, (_, i) => i) }); console.trace('here');
process.emitWarning('the old way', { code: 'OLD1', detail: 'use the new one' }); console.time('t'); console.timeEnd('t');
try { await readFile('/nothing'); } catch (e) { console.error(e); }
try { assert.deepStrictEqual({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3] }); } catch (e) { console.error(e.message); console.log('after'); }
await new Promise(r => setTimeout(r, 20)); const m = new Map([['a', { x: 1 }]]); console.log(m, new Set([1]), new Error('inline')); 
await Promise.any([Promise.reject(new Error('a')), Promise.reject(new Error('b'))]);
