"""A development server as programs in rooms are: HTTP/1.1 and WebSockets, from the standard library alone.

Run by path in a room, so it imports nothing of ours. It listens on the port that the variable PORT holds.
"""

import base64
import hashlib
import json
import os
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Serve a page, or a WebSocket."""
        path = self.path.partition("?")[0].strip("/").replace("/", "_") or "index"
        getattr(self, f"get_{path}", self.get_missing)()

    def do_HEAD(self) -> None:
        """Serve the head of the index."""
        self.head(200, {"Content-Length": "5"})

    def do_POST(self) -> None:
        """Say what was uploaded, part by part or at once."""
        digest, size = hashlib.sha256(), 0
        for part in self.body():
            digest.update(part)
            size += len(part)
        self.json({"size": size, "sha256": digest.hexdigest(), "headers": self.sent()})

    def get_index(self) -> None:
        """Serve a short page."""
        self.plain(b"hello")

    def get_headers(self) -> None:
        """Say what came."""
        self.json({"path": self.path, "headers": self.sent()})

    def get_cached(self) -> None:
        """Serve what the client may have."""
        if self.headers["If-None-Match"] == '"one"':
            self.head(304, {"ETag": '"one"'})
        else:
            self.plain(b"whole", ETag='"one"')

    def get_moved(self) -> None:
        """Lead elsewhere."""
        self.head(302, {"Location": f"http://{self.headers['Host']}/headers", "Content-Length": "0"})

    def get_cookies(self) -> None:
        """Set cookies, one of them for all previews, and one of another's name."""
        self.send_response(200)
        self.send_header("Set-Cookie", "wide=1; Domain=preview.localhost; Path=/")
        self.send_header("Set-Cookie", "own=2; Path=/")
        self.send_header("Set-Cookie", "stateroom-preview=stolen")
        self.send_header("Alt-Svc", 'h3=":9"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def get_stream(self) -> None:
        """Serve parts, each after the client asked for it over another connection."""
        self.head(200, {"Transfer-Encoding": "chunked", "Content-Type": "text/event-stream"})
        for number in range(3):
            self.server.turns.acquire()  # type: ignore[attr-defined]  # a semaphore
            self.wfile.write(b"2\r\n%d\n\r\n" % number)
        self.wfile.write(b"0\r\n\r\n")

    def get_turn(self) -> None:
        """Let the stream go on."""
        self.server.turns.release()  # type: ignore[attr-defined]  # as above
        self.plain(b"")

    def get_large(self) -> None:
        """Serve 64 MB."""
        self.head(200, {"Content-Length": str(64 << 20)})
        for _ in range(64):
            self.wfile.write(bytes(1 << 20))

    def get_dies(self) -> None:
        """Promise more than it keeps."""
        self.head(200, {"Content-Length": "100"})
        self.wfile.write(b"half")
        self.close_connection = True

    def get_dies_chunked(self) -> None:
        """Break off between chunks."""
        self.head(200, {"Transfer-Encoding": "chunked"})
        self.wfile.write(b"4\r\nhalf\r\n")
        self.close_connection = True

    def get_nonsense(self) -> None:
        """Speak no HTTP."""
        self.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
        self.close_connection = True

    def get_silent(self) -> None:
        """Close without a word."""
        self.close_connection = True

    def get_unhealthy(self) -> None:
        """Be well, unless told otherwise."""
        self.head(503 if self.server.broken else 200, {"Content-Length": "0"})  # type: ignore[attr-defined]  # as above

    def get_break(self) -> None:
        """Be unwell from now on."""
        self.server.broken = True  # type: ignore[attr-defined]  # as above
        self.plain(b"")

    def get_repair(self) -> None:
        """Be well again."""
        self.server.broken = False  # type: ignore[attr-defined]  # as above
        self.plain(b"")

    def get_missing(self) -> None:
        """Have no such page."""
        self.head(404, {"Content-Length": "0"})

    def get_socket(self) -> None:
        """Echo messages; close with a code when asked."""
        accept = base64.b64encode(hashlib.sha1((self.headers["Sec-WebSocket-Key"] + _GUID).encode()).digest()).decode()  # noqa: S324  # the protocol's
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
        offered = self.headers.get("Sec-WebSocket-Protocol", "")
        self.head(101, headers | ({"Sec-WebSocket-Protocol": offered.split(",")[-1].strip()} if offered else {}))
        self.say(1, json.dumps(self.sent()).encode())
        while True:
            opcode, data = self.hear()
            if opcode == 8:
                self.server.closes.append(data.hex())  # type: ignore[attr-defined]  # as above
                self.say(8, data)
                break
            if data == b"close":
                self.say(8, struct.pack(">H", 4321) + b"because")
            elif data == b"die":
                break
            else:
                self.say(opcode, data)
        self.close_connection = True

    def get_closes(self) -> None:
        """Say how WebSockets were closed."""
        self.json({"closes": self.server.closes})  # type: ignore[attr-defined]  # as above

    def sent(self) -> list[list[str]]:
        """Return the headers that came."""
        return [[name.lower(), value] for name, value in self.headers.items()]

    def body(self) -> Iterator[bytes]:
        """Yield what comes after the head."""
        left = int(self.headers.get("Content-Length", 0))
        while left:
            part = self.rfile.read(min(left, 1 << 16))
            left -= len(part)
            yield part
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

    def plain(self, data: bytes, **headers: str) -> None:
        """Serve a page."""
        self.head(200, {"Content-Length": str(len(data))} | headers)
        self.wfile.write(data)

    def json(self, value: object) -> None:
        """Serve an object."""
        self.plain(json.dumps(value).encode())

    def head(self, status: int, headers: dict[str, str]) -> None:
        """Send a head."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def hear(self) -> tuple[int, bytes]:
        """Return the next frame."""
        first, second = self.rfile.read(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack(">H", self.rfile.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.rfile.read(8))
        mask = self.rfile.read(4)
        data = self.rfile.read(size)
        return first & 15, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))

    def say(self, opcode: int, data: bytes) -> None:
        """Send a frame."""
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
        self.wfile.write(bytes([128 | opcode]) + size + data)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)  # noqa: TID251  # it is no part of us
    server.turns = threading.Semaphore(0)  # type: ignore[attr-defined]
    server.closes = []  # type: ignore[attr-defined]
    server.broken = False  # type: ignore[attr-defined]
    server.serve_forever()
