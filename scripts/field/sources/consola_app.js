const { createConsola } = require('consola'); const c = createConsola({ fancy: false, level: 5 });
c.start('up'); setTimeout(() => { c.success('paid'); c.error(new Error('card declined', { cause: new TypeError('no card') })); c.warn('retry\nin 3 s');
 setTimeout(() => { c.box('closing\nsoon'); c.fatal('bye'); c.info({ a: 1, b: { c: [1, 2] } }); }, 20); }, 20);
