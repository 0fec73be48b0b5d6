const bunyan = require('bunyan'); const log = bunyan.createLogger({ name: 'shop', serializers: bunyan.stdSerializers });
log.info('starting'); setTimeout(() => { log.error({ err: new TypeError('no stock'), order: { id: 7, lines: ['pen', 'ink'] } }, 'order failed');
 log.warn('two\nlines'); log.info({ port: 8080 }, 'next'); setTimeout(() => { console.log('plain'); log.fatal(new Error('bye')); }, 20); }, 20);
