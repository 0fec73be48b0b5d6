"""podferry with its page, and a line to it that can be cut."""

import contextlib
import json
import re
import socket
import subprocess
import threading
import urllib.error
import urllib.request

ADDRESS = re.compile(r"(http://\S+/[0-9a-f]{48}/)\s")
INTAKE = re.compile(r"DD_URL=(\S+)")


class Serving:
    """A command with `--ui`, until the end of the block. `url` is the page's, `intake` the stand-in's if it has one."""

    def __init__(self, podferry, *arguments, folder=None, **variables):
        self.command, self.folder, self.variables = [podferry, *arguments], folder, variables
        self.url = self.intake = None

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self.variables
        )
        said = ""
        for line in self.process.stderr:
            said += line
            if found := INTAKE.search(line):
                self.intake = found[1]
            if found := ADDRESS.search(line):
                self.url = found[1]
                return self
        raise SystemExit(f"{' '.join(self.command)} serves no page: {said}")

    def __exit__(self, *_exception):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()

    def post(self, logs):
        """Sends logs to the stand-in, as the function does; a thousand in a request."""
        for start in range(0, len(logs), 1000):
            body = json.dumps(logs[start : start + 1000]).encode()
            request = urllib.request.Request(f"{self.intake}/api/v2/logs", body, {"DD-API-KEY": "any", "Content-Type": "application/json"})
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request):
                pass


class Line:
    """A port that leads to another one, until it is cut; `mend` lets connections through again."""

    def __init__(self, port):
        self.to, self.open, self.is_whole = port, [], True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_whole:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.to))
            self.open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.is_whole = False
        for end in self.open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.open = []

    def mend(self):
        self.is_whole = True

    def close(self):
        self.cut()
        self.listener.close()
