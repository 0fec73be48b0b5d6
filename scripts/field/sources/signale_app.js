const { Signale } = require('signale'); const s = new Signale({ scope: 'shop' });
s.start('up'); setTimeout(() => { s.success('order 7 paid'); s.error(new Error('card declined')); s.warn('retry\nin 3 s');
 setTimeout(() => { s.fatal(new RangeError('too many')); console.log('plain'); s.info('next'); }, 20); }, 20);
