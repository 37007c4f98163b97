"""The relays that are compared, one worker each: penstock with default settings, and the peers in peers/."""

import json
from pathlib import Path

from processes import Process, free_port

HERE = Path(__file__).resolve().parent


def start_penstock(folder, upstream, binary):
    port = free_port()
    (folder / "penstock.yaml").write_text(json.dumps({
        "listen": {"port": port, "loops": 1}, "admin": {"port": 0}, "state": {"directory": str(folder / "state")},
        "shutdown": {"delay": "0s", "grace": "1s"},
        "groups": [{"name": "default", "active": "blue", "pools": [
            {"name": "blue", "coordinators": [{"name": "one", "url": f"http://127.0.0.1:{upstream}"}]}]}]}))
    return Process("penstock", [binary, "serve", "--config", "penstock.yaml"], folder, port)


def start_haproxy(folder, upstream):
    port = configure("haproxy.cfg", folder, upstream)
    return Process("haproxy", ["haproxy", "-db", "-f", "haproxy.cfg"], folder, port)


def start_nginx(folder, upstream):
    port = configure("nginx.conf", folder, upstream)
    return Process("nginx", ["nginx", "-e", "stderr", "-p", f"{folder}/", "-c", "nginx.conf"], folder, port)


def start_envoy(folder, upstream, binary):
    port = configure("envoy.yaml", folder, upstream)
    return Process("envoy", [binary, "-c", "envoy.yaml", "--concurrency", "1", "--log-level", "warning",
                             "--disable-hot-restart"], folder, port)


def configure(name, folder, upstream):
    port = free_port()
    text = (HERE / "peers" / name).read_text().replace("@PORT@", str(port)).replace("@UPSTREAM@", str(upstream))
    (folder / name).write_text(text)
    return port
