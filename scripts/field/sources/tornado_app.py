import asyncio, logging, sys
import tornado.web, tornado.httpclient, tornado.log, tornado.options
tornado.options.parse_command_line(["x", "--log_to_stderr=true"])
class Ok(tornado.web.RequestHandler):
    def get(self): self.write("ok")
class Bad(tornado.web.RequestHandler):
    def get(self): raise ValueError("bad order %s" % self.get_argument("n"))
async def main():
    app = tornado.web.Application([("/ok", Ok), ("/bad", Bad)])
    server = app.listen(0, "127.0.0.1")
    port = list(server._sockets.values())[0].getsockname()[1]
    logging.info("listening")
    http = tornado.httpclient.AsyncHTTPClient()
    for path in ["/ok", "/bad?n=1", "/bad", "/missing", "/ok"]:
        await http.fetch("http://127.0.0.1:%d%s" % (port, path), raise_error=False)
        await asyncio.sleep(0.02)
    logging.warning("two\nlines")
    async def lost(): raise RuntimeError("lost in a callback")
    asyncio.get_event_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.05)
    logging.info("stopping")
asyncio.run(main())
