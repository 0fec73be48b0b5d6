test('ok', () => expect(1).toBe(1));
test('total', () => { console.log('computing'); expect({ total: 3, lines: [1] }).toEqual({ total: 4, lines: [1] }); });
test('missing', () => { undefined.sku; });
