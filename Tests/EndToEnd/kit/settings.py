"""Settings files for the tests: plain YAML in block style, so that lines and paths in problems mean something."""

import json


def yaml(value, depth=0):
    """Dictionaries, lists and scalars as YAML; texts are quoted."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        lines = []
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                lines.append(f"{pad}{key}:\n{yaml(item, depth + 1)}")
            else:
                lines.append(f"{pad}{key}: {yaml(item)}")
        return "\n".join(lines)
    if isinstance(value, list) and value:
        lines = []
        for item in value:
            text = yaml(item, depth + 1)
            lines.append(f"{pad}- {text.lstrip() if isinstance(item, (dict, list)) and item else text}")
        return "\n".join(lines)
    return json.dumps(value)


def merged(base, changes):
    """`base` with `changes` over it, key by key; lists are replaced."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return {**base, **{key: merged(base.get(key), item) for key, item in changes.items()}}


QUICK_PROBE = {"path": "/v1/info", "interval": "200ms", "timeout": "500ms", "fall": 2, "rise": 1}


def pool(name, *coordinators, **more):
    """A pool; coordinators are objects with `name` and `url`, or (name, url)."""
    entries = [entry if isinstance(entry, tuple) else (entry.name, entry.url) for entry in coordinators]
    return {"name": name, "probe": QUICK_PROBE, **more,
            "coordinators": [{"name": own, "url": url} for own, url in entries]}


def group(*pools, name="default", active=None):
    return {"name": name, "active": active or pools[0]["name"], "pools": list(pools)}


def gateway_settings(state_directory, *groups, **changes):
    """Ports of its own, quick probes, quick stop; `changes` go over it."""
    base = {
        "listen": {"address": "127.0.0.1", "port": 0, "loops": 2},
        "admin": {"address": "127.0.0.1", "port": 0},
        "state": {"directory": str(state_directory)},
        "log": {"level": "info", "format": "json"},
        "shutdown": {"delay": "0s", "grace": "2s"},
    }
    if groups:
        base["groups"] = list(groups)
    return merged(base, changes)
