"""Patroni's REST interface, with the answers that a test wants."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakePatroni:
    """Of one member. `members` is the answer to GET /cluster, `is_primary` that to GET /primary;
    with members=None it takes questions and keeps silent. `asked`: the paths so far."""

    def __init__(self, members=None, is_primary=False):
        self.members, self.is_primary, self.asked = members, is_primary, []
        self._stopping = threading.Event()
        patroni = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                patroni.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request):
        self.asked.append(request.path)
        if self.members is None:
            self._stopping.wait(60)
            return
        body = json.dumps({"members": self.members} if request.path == "/cluster" else {}).encode()
        request.send_response(200 if request.path == "/cluster" or self.is_primary else 503)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def stop(self):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()


def member(port, patroni, role, host="127.0.0.1"):
    return {"name": f"n{port}", "host": host, "port": port, "role": role, "state": "running",
            "api_url": f"{patroni.url}/patroni", "timeline": 1, **({} if role == "leader" else {"lag": 0})}
