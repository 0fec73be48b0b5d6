interface Order { id: number; lines: string[] }
const order: Order = { id: "7", lines: [1] };
function total(o: Order): number { return o.count; }
total();
