const log = (level, msg, more) => process.stderr.write(JSON.stringify({ level, time: new Date().toISOString(), msg, ...more }) + '\n');
log('info', 'up');
log('error', 'upstream answered 503', { upstream: 'pay' });
try { null.x; } catch (e) { console.error(e); }
log('info', 'next');
setTimeout(() => { log('error', 'giving up'); console.error('bye'); throw new Error('no upstream'); }, 20);
