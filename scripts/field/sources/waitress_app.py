import logging, threading, time, urllib.request, bottle, waitress
logging.basicConfig(level=logging.INFO)
app = bottle.Bottle()
@app.route("/")
def ok(): return "ok"
@app.route("/bad")
def bad(): return {}["sku"]
def raw(environ, start):
    if environ["PATH_INFO"] == "/raw": raise OSError("outside of bottle")
    return app(environ, start)
server = waitress.create_server(raw, host="127.0.0.1", port=0)
def ask():
    for path in ["/", "/bad", "/raw", "/"]:
        try: urllib.request.urlopen(f"http://127.0.0.1:{server.effective_port}{path}").read()
        except Exception as error: print("answer:", error, flush=True)
        time.sleep(0.03)
    server.close()
threading.Thread(target=ask).start()
try: server.run()
except OSError: pass
