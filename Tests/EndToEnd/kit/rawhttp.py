"""An HTTP/1.1 client that shows what really came over the socket."""

import json
import socket
import struct


class Cut(Exception):
    """The connection ended before the answer was whole."""

    def __init__(self, what, partial=b"", reset=False):
        super().__init__(what)
        self.partial = partial
        self.reset = reset


class Reply:
    """One response: its status, headers in order (names as they came), body with its framing taken off."""

    def __init__(self, version, status, reason, headers):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = b""
        self.chunked = False

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class Connection:
    """One TCP connection; requests go out as bytes, replies come back one by one."""

    def __init__(self, address, timeout=30.0, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.authority = f"{address[0]}:{address[1]}"
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes so that the other side sees ECONNRESET."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.socket.sendall(data)

    def send_head(self, method, target, headers=(), version="HTTP/1.1"):
        fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if version == "HTTP/1.1" and not any(name.lower() == "host" for name, _ in fields):
            fields.insert(0, ("Host", self.authority))
        head = f"{method} {target} {version}\r\n".encode()
        for name, value in fields:
            head += name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
        self.send(head + b"\r\n")

    def request(self, method, target, headers=(), body=None, chunks=None):
        """Sends a request and reads its reply; `chunks` sends a chunked body."""
        fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if chunks is not None:
            fields.append(("Transfer-Encoding", "chunked"))
        elif body is not None or method in ("POST", "PUT"):
            body = body.encode() if isinstance(body, str) else body or b""
            fields.append(("Content-Length", str(len(body))))
        self.send_head(method, target, fields)
        if chunks is not None:
            for chunk in chunks:
                self.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.send(b"0\r\n\r\n")
        elif body:
            self.send(body)
        return self.read_reply(method)

    def receive(self):
        """More bytes; empty at the end of the stream; raises Cut on a reset."""
        try:
            return self.socket.recv(65536)
        except ConnectionResetError as problem:
            raise Cut("reset", reset=True) from problem

    def read_until(self, mark):
        while mark not in self.buffer:
            more = self.receive()
            if not more:
                raise Cut("ended inside a head", self.buffer)
            self.buffer += more
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def read_exactly(self, count, already=b""):
        pieces, have = [self.buffer[:count]], min(count, len(self.buffer))
        self.buffer = self.buffer[count:]
        while have < count:
            try:
                more = self.receive()
            except Cut as cut:
                raise Cut("reset inside a body", already + b"".join(pieces), reset=True) from cut
            if not more:
                raise Cut("ended inside a body", already + b"".join(pieces))
            pieces.append(more[: count - have])
            self.buffer = more[count - have:]
            have += len(pieces[-1])
        return b"".join(pieces)

    def read_head(self):
        """The next head that is no 1xx."""
        while True:
            lines = self.read_until(b"\r\n\r\n").split(b"\r\n")
            version, status, reason = (lines[0].decode("latin-1").split(" ", 2) + [""])[:3]
            headers = []
            for line in lines[1:]:
                name, value = line.decode("latin-1").split(":", 1)
                headers.append((name, value.strip()))
            reply = Reply(version, int(status), reason, headers)
            if reply.status >= 200:
                return reply

    def read_reply(self, method="GET"):
        reply = self.read_head()
        if method == "HEAD" or reply.status in (204, 304):
            return reply
        if "chunked" in (reply.header("Transfer-Encoding") or "").lower():
            reply.chunked = True
            pieces = []
            while True:
                try:
                    size = int(self.read_until(b"\r\n").split(b";")[0], 16)
                except Cut as cut:
                    raise Cut("ended between chunks", b"".join(pieces), cut.reset) from cut
                if size == 0:
                    while self.read_until(b"\r\n"):
                        pass
                    break
                pieces.append(self.read_exactly(size, b"".join(pieces) if size > 1 << 20 else b""))
                self.read_exactly(2)
            reply.body = b"".join(pieces)
        elif reply.header("Content-Length") is not None:
            reply.body = self.read_exactly(int(reply.header("Content-Length")))
        else:
            pieces = [self.buffer]
            while more := self.receive():
                pieces.append(more)
            reply.body, self.buffer = b"".join(pieces), b""
        return reply

    def is_closed(self, within=5.0):
        """Whether the other side closes (or resets) without another byte."""
        self.socket.settimeout(within)
        try:
            return not self.buffer and self.receive() == b""
        except Cut:
            return True
        except TimeoutError:
            return False


def ask(address, method, target, headers=(), body=None, timeout=30.0):
    """One request on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.request(method, target, headers, body)


def split_url(url):
    """An http URL's address and its target."""
    authority, _, rest = url.removeprefix("http://").partition("/")
    host, _, port = authority.rpartition(":")
    return (host.strip("[]"), int(port)), "/" + rest
