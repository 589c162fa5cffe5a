"""A local HTTP server that serves bytes, and fails as real servers do."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer:
    """Serves `files` by path, as a context manager.

    etag, modified: sent if set. ranges: whether a part of a file can be asked for.
    statuses: errors that the next requests are answered with. cuts: after how many bytes the next
    answers break off. held_after: when set, answers stop after so many bytes until the server
    ends. endless: answers have no end and no length. sends_to: where every request is sent on to.
    encoding: the Content-Encoding that answers have. ranges_asked: the Range header of every
    request so far, "" for none.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etag = self.modified = ""
        self.ranges = True
        self.statuses: list[int] = []
        self.cuts: list[int] = []
        self.held_after: int | None = None
        self.endless = False
        self.sends_to = self.encoding = ""
        self.ranges_asked: list[str] = []
        self.ended = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Address of the root, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: FileServer

    def do_GET(self) -> None:
        owner = self.owner
        asked = self.headers.get("Range", "")
        owner.ranges_asked.append(asked)
        if owner.statuses:
            self.send_error(owner.statuses.pop(0))
            return

        if owner.sends_to:
            self.send_response(302)
            self.send_header("Location", owner.sends_to)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return

        if owner.endless:
            self.send_response(200)
            self.end_headers()
            with suppress(ConnectionError):
                while not owner.ended.is_set():
                    self.wfile.write(bytes(1 << 16))
            return

        content = owner.files.get(self.path)
        if content is None:
            self.send_error(404)
            return

        known = self.headers.get("If-Range", owner.etag or owner.modified)
        first = 0
        if asked and owner.ranges and known == (owner.etag or owner.modified):
            match = re.fullmatch(r"bytes=(\d+)-", asked)
            assert match is not None
            first = int(match[1])

        if first >= len(content) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return

        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        headers = {"ETag": owner.etag, "Last-Modified": owner.modified}
        headers["Content-Encoding"] = owner.encoding
        for header, value in headers.items():
            if value:
                self.send_header(header, value)
        self.end_headers()

        body = content[first:]
        with suppress(ConnectionError):  # the client was stopped
            if owner.cuts:
                self.wfile.write(body[: owner.cuts.pop(0)])
                self.close_connection = True
            elif owner.held_after is not None:
                self.wfile.write(body[: owner.held_after])
                owner.ended.wait()
            else:
                self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Log nothing, to keep the output of tests readable."""
