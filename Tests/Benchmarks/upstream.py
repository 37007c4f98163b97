"""What stands behind the relays: a fast upstream, and one that holds each poll for a second."""

import json
import sys
from pathlib import Path

from processes import Process, free_port

HERE = Path(__file__).resolve().parent
PAGES = {64: 64 << 10, 1024: 1 << 20}


def write_pages(folder):
    """Pages of Trino's shape, filled with rows up to their size. Their id is not that of their statement."""
    folder.mkdir()
    for token, size in PAGES.items():
        base = "http://127.0.0.1:8080"
        path = "20260101_000000_00000_00000/y06d0466e1a2d993c7e097c21d2915ec8fa24bd91d"
        page = {
            "id": "20260101_000000_00000_00000", "infoUri": f"{base}/ui/query.html?20260101_000000_00000_00000",
            "partialCancelUri": f"{base}/v1/statement/executing/partialCancel/0/{path}/{token}",
            "nextUri": f"{base}/v1/statement/executing/{path}/{token + 1}",
            "columns": [{"name": "s", "type": "varchar", "typeSignature": {"rawType": "varchar", "arguments": []}}],
            "data": [],
            "stats": {"state": "RUNNING", "queued": False, "scheduled": True, "nodes": 1, "totalSplits": 1},
            "warnings": []}
        row = ["some text of a row, with a number: 1234567", 1234567, 0.5]
        missing = size - len(json.dumps(page, separators=(",", ":")))
        page["data"] = [row] * (missing // (len(json.dumps(row, separators=(",", ":"))) + 1))
        (folder / str(token)).write_text(json.dumps(page, separators=(",", ":")))


def start_fast(folder):
    """nginx with fixed answers; see upstream_nginx.conf."""
    write_pages(folder / "pages")
    port = free_port()
    (folder / "nginx.conf").write_text((HERE / "upstream_nginx.conf").read_text().replace("@PORT@", str(port)))
    return Process("upstream", ["nginx", "-e", "stderr", "-p", f"{folder}/", "-c", "nginx.conf"], folder, port)


def start_holding(folder):
    """holding_upstream.py: a second goes by before it answers a poll."""
    port = free_port()
    return Process("holding upstream", [sys.executable, HERE / "holding_upstream.py", str(port)], folder, port)
