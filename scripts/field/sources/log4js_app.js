const log4js = require('log4js');
log4js.configure({ appenders: { e: { type: 'stderr', layout: { type: 'basic' } } }, categories: { default: { appenders: ['e'], level: 'debug' } } });
const log = log4js.getLogger('shop');
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
(async () => {
  log.info('up'); log.debug('config', { port: 8080, hosts: ['a', 'b', 'c'], tls: { cert: '/etc/tls/tls.crt', key: '/etc/tls/tls.key', verify: true } });
  await wait(20);
  log.error('order failed', new Error('no stock'));
  log.warn('two\nlines');
  await wait(20);
  log.error(new AggregateError([new Error('one'), new RangeError('two')], 'both failed'));
  log.info('next');
  console.error('console in between');
  await wait(5);
  log.info('end');
  Promise.reject(new Error('nobody waits'));
})();
