import asyncio, hypercorn.asyncio, hypercorn.config, urllib.request, sys
async def app(scope, receive, send):
    if scope["type"] != "http": return
    if scope["path"] == "/bad": raise LookupError("no sku\n  in stock")
    await send({"type": "http.response.start", "status": 200, "headers": []}); await send({"type": "http.response.body", "body": b"ok"})
async def main():
    c = hypercorn.config.Config(); c.bind = ["127.0.0.1:18771"]; c.accesslog = "-"; stop = asyncio.Event()
    s = asyncio.create_task(hypercorn.asyncio.serve(app, c, shutdown_trigger=stop.wait)); await asyncio.sleep(0.4)
    for p in ["/", "/bad", "/"]:
        try: await asyncio.to_thread(lambda: urllib.request.urlopen("http://127.0.0.1:18771" + p).read())
        except Exception: pass
    stop.set(); await s
asyncio.run(main())
