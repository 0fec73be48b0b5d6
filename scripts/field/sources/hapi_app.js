const Hapi = require('@hapi/hapi'); (async () => { const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: { request: ['*'], log: ['*'] } });
server.route({ method: 'GET', path: '/', handler: () => 'ok' }); server.route({ method: 'GET', path: '/bad', handler: () => { throw new Error('no stock'); } });
await server.start(); console.log('Server running'); for (const url of ['/', '/bad', '/nothing', '/bad']) { await server.inject(url); await new Promise(r => setTimeout(r, 10)); } server.log(['info'], 'closing'); await server.stop(); })();
