import asyncio, uvicorn, threading, time, urllib.request
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def ok(r): return PlainTextResponse("ok")
async def bad(r): print("handling", r.url.path, flush=True); return PlainTextResponse({}["sku"])
async def group(r):
    async with asyncio.TaskGroup() as g: g.create_task(bad(r))
app = Starlette(routes=[Route("/", ok), Route("/bad", bad), Route("/group", group)])
server = uvicorn.Server(uvicorn.Config(app, port=18770))
def ask():
    time.sleep(1.5)
    for p in ["/", "/bad", "/", "/group"]:
        try: urllib.request.urlopen("http://127.0.0.1:18770" + p).read()
        except Exception as e: pass
        time.sleep(0.05)
    server.should_exit = True
threading.Thread(target=ask).start(); server.run()
