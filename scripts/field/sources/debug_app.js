const d = require('debug'); const a = d('shop:db'), b = d('shop:http');
a('connecting'); setTimeout(() => { b('GET %s', '/'); a('query %O', { sql: 'select 1', params: [1, 2, { deep: { er: { er: 1 } } }], more: 'x'.repeat(60) }); b('done');
 setTimeout(() => { a(new Error('no answer')); b('two\nlines'); }, 20); }, 20);
