const pino = require('pino'); const pretty = require('pino-pretty');
const log = pino({ level: 'debug' }, pretty({ colorize: false, sync: true, destination: 2 }));
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
(async () => {
  log.info('up on %d', 8080);
  log.info({ user: { id: 7, roles: ['buyer', 'admin'] }, ms: 3 }, 'logged in');
  await wait(15);
  try { JSON.parse('{x'); } catch (err) { log.error(err, 'body is no JSON'); }
  log.warn('retrying');
  await wait(15);
  const e = new Error('no stock', { cause: new TypeError('sku is undefined') }); e.code = 'E_STOCK';
  log.error({ err: e, order: 7 }, 'order failed');
  log.debug({ sql: 'select *\nfrom orders\nwhere id = 7' }, 'query');
  log.fatal('bye');
})();
