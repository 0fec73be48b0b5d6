import asyncio, logging, aiohttp
from aiohttp import web
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
async def ok(request): return web.Response(text="ok")
async def bad(request): return web.Response(text=str({}["sku"]))
async def late(request):
    asyncio.get_event_loop().create_task(fails()); return web.Response(text="ok")
async def fails(): raise RuntimeError("nobody awaits\nthis one")
async def main():
    app = web.Application(); app.add_routes([web.get("/", ok), web.get("/bad", bad), web.get("/late", late)])
    runner = web.AppRunner(app); await runner.setup(); site = web.TCPSite(runner, "127.0.0.1", 0); await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        for path in ["/", "/bad", "/late", "/", "/nothing"]:
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer: await answer.text()
            print("asked", path, flush=True)
            await asyncio.sleep(0.03)
    import gc; gc.collect()
    logging.warning("closing\n  runner: %s\n  port: any", "r")
    await runner.cleanup()
asyncio.run(main())
