const wait = (ms) => new Promise((r) => setTimeout(r, ms));
class Order { constructor(id) { this.id = id; this.lines = [{ sku: 'pen', count: 2 }, { sku: 'ink', count: 1 }]; this.note = 'x'.repeat(60); } }
(async () => {
  console.log('server up'); console.log('workers: 2');
  await wait(12);
  console.log(new Order(7));
  console.log('GET /orders/7 200');
  await wait(7);
  console.log(new Map([['pen', { price: 3, text: 'y'.repeat(50) }], ['ink', { price: 5, text: 'z'.repeat(50) }]]));
  console.table([{ sku: 'pen', count: 2 }, { sku: 'ink', count: 1 }]);
  await wait(9);
  console.error('failed', new Error('no order'));
  console.log('GET /orders/8 500');
  await wait(3);
  console.log(`SELECT id
FROM orders
WHERE id = 7;`);
  console.log('slow query');
  await wait(4);
  process.emitWarning('the old API', 'DeprecationWarning', 'SHOP001');
  await wait(4);
  console.log('before the end');
  await wait(2);
  null.x;
})();
