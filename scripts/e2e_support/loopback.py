"""An HTTP server on a free port of loopback, in threads of this process."""

import contextlib
import http.server
import threading


class Loopback:
    """Use it with `with`. `answer` gets each request, with its body."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(handler):
                # The other side may go away at any time: a function that does not need the answer any more, or is killed.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def do_POST(handler):
                self.take(handler)

            def do_GET(handler):
                self.take(handler)

            def log_message(handler, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exception):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def take(self, handler):
        self.answer(handler, handler.rfile.read(int(handler.headers.get("Content-Length", 0))))

    def answer(self, handler, body):
        raise NotImplementedError


def reply(handler, status, kind, body, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
