"""A small STAC API on this machine: enough of one to be searched."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CONFORMS = [f"https://api.stacspec.org/v1.0.0/{part}" for part in ("core", "item-search", "collections")]
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class Api(BaseHTTPRequestHandler):
    """The landing page, the collections, and a search in pages by GET and POST."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        parts = urlsplit(self.path)
        self.answer(parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()})

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(urlsplit(self.path).path, json.loads(content))

    def answer(self, path, question):
        self.server.asked.append((path, question))
        time.sleep(self.server.pause_s)
        if path in self.server.instead:
            self.send(*self.server.instead[path])
        elif path == "/":
            links = [{"rel": "search", "href": f"{self.server.url}/search", "method": "GET", "type": "application/geo+json"},
                     {"rel": "data", "href": f"{self.server.url}/collections"}]  # fmt: skip
            self.send(200, {"type": "Catalog", "id": "api", "description": "small", "stac_version": "1.0.0",
                            "conformsTo": self.server.conforms, "links": links})  # fmt: skip
        elif path == "/search":
            self.send(200, self.page(question))
        else:
            self.send(404, {"description": "there is no such page"})

    def page(self, question):
        first, size = int(question.get("token", 0)), int(question.get("limit", 10))
        found = [item for item in self.server.items if item["collection"] in str(question["collections"])]
        if "datetime" in question:
            earliest, latest = (part[:10] for part in question["datetime"].split("/"))
            found = [item for item in found if earliest <= item["properties"]["datetime"][:10] <= latest]
        following = f"{self.server.url}/search?collections=small&limit={size}&token={first + size}"
        links = [{"rel": "next", "href": following}] if first + size < len(found) else []
        return {"type": "FeatureCollection", "features": found[first : first + size], "links": links}

    def send(self, status, content):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(items=()):
    """A server that answers any search of a collection with these items, whatever the place."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.asked, server.instead, server.conforms, server.pause_s = [], {}, CONFORMS, 0.0
    server.items = list(items)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
