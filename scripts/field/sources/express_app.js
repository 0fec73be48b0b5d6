const express = require('express'), morgan = require('morgan'), http = require('http'); const app = express();
app.use(morgan('dev')); app.get('/', (q, s) => s.send('ok')); app.get('/bad', () => { throw new Error('no stock'); }); app.get('/async', async () => { throw new TypeError('late'); });
app.get('/chat', (q, s) => { console.log('chatting with', { user: 7, tags: ['a', 'b'] }); console.error('two\nlines'); s.json({}); });
const server = app.listen(0, '127.0.0.1', async () => { console.log('listening'); const port = server.address().port;
 for (const path of ['/', '/bad', '/chat', '/async', '/', '/nothing']) { await fetch(`http://127.0.0.1:${port}${path}`).then(r => r.text()); await new Promise(r => setTimeout(r, 10)); }
 server.close(); setTimeout(() => Promise.reject(new AggregateError([new Error('a'), new Error('b')], 'all failed')), 20); });
