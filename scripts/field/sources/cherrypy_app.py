import cherrypy, threading, urllib.request, time
class Shop:
    @cherrypy.expose
    def index(self): return "ok"
    @cherrypy.expose
    def bad(self): return str({}["sku"])
cherrypy.config.update({"server.socket_port": 18765, "server.socket_host": "127.0.0.1"})
def ask():
    time.sleep(0.8)
    for path in ["/", "/bad", "/nothing"]:
        try: urllib.request.urlopen("http://127.0.0.1:18765" + path).read()
        except Exception: pass
    time.sleep(0.1); cherrypy.engine.exit()
threading.Thread(target=ask).start()
cherrypy.quickstart(Shop())
