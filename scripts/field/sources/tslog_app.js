const { Logger } = require('tslog'); const l = new Logger({ name: 'shop', stylePrettyLogs: false });
l.info('up'); setTimeout(() => { l.error('failed', new Error('card declined')); l.warn('two\nlines'); l.debug({ id: 7, lines: ['pen', { sku: 'ink' }] });
 setTimeout(() => { l.fatal(new RangeError('bye')); l.info('next'); }, 20); }, 20);
