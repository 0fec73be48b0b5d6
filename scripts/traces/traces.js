// Prints logs and stack traces as Node.js programs do. A line `===` stands between two logs.
const mark = () => console.error("===");
const say = (text) => { console.error(text); mark(); };
const show = (...parts) => { console.error(...parts); mark(); };
const deep = (n) => { if (!n) throw new TypeError("deep down"); deep(n - 1); };
const caught = (work) => { try { work(); } catch (error) { return error; } };

say("starting");
show(caught(() => null.x));
say('{"level":30,"msg":"json between"}');
show("failed:", caught(() => deep(5)));
show(caught(() => JSON.parse("{")).stack);
show(caught(() => require("fs").readFileSync("/no/such/file")));
say("2026-11-22T19:30:01.123Z info: after");
show(new Error("outer", { cause: new Error("inner") }));
show(new AggregateError([new Error("one"), new TypeError("two")], "several"));
show(Object.assign(new Error("with members"), { code: "E_X", detail: { a: 1, list: [1, 2] } }));
show(new Error("first line\nsecond line of the message"));
class OwnError extends Error { constructor(message) { super(message); this.name = "OwnError"; } }
show(new OwnError("own"));
say("Error: only a message");
say("    at the office, nothing happens");
show("2026-11-22T19:30:01.124Z error: request failed", "\n" + caught(() => deep(1)).stack);
say("GET /x 200 1ms");
console.error("2026-11-22T19:30:01.125Z error: unrelated text");
mark();
(async () => {
  try { await (async () => { await null; throw new RangeError("async"); })(); } catch (error) { show(error); }
  // An error of the system that comes by a callback has no frames.
  const error = await new Promise((resolve) => require("fs").readFile("/no/such/file", resolve));
  show(error);
  say("it goes on");
  say("last words");
  const how = process.argv[2];
  if (how === "reject") Promise.reject(new Error("rejected"));
  else if (how === "reject-plain") Promise.reject({ plain: "object" });
  else if (how === "system") require("fs").readFile("/no/such/file", (error) => { throw error; });
  else if (how === "string") throw "a string";
  else if (how === "members") setImmediate(() => { throw Object.assign(new Error("boom"), { code: "E_BOOM" }); });
  else setImmediate(() => { throw new Error("boom"); });
})();
