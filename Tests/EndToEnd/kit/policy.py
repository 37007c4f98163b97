"""A second evaluator of the failure policy: its file read with another library, its rules held against failures as its
head says, nothing shared with the gateway's. And failures to hold both against."""

import base64
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from .processes import ROOT

SHIPPED = ROOT / "Config" / "failure-policy.yaml"
SAMPLES = ROOT / "Tests" / "SettingsFilesTests" / "Policy" / "Facts" / "samples.tsv"
RECORDED = ROOT / "Tests" / "EndToEnd" / "Recorded"
TEXT = 64 << 10

STEPS = ["submit", "poll", "cancel"]
EVENTS = ["refused", "reset", "cut", "no-answer", "empty", "not-protocol", "forgotten", "gone"]
TYPES = ["USER_ERROR", "INTERNAL_ERROR", "INSUFFICIENT_RESOURCES", "EXTERNAL"]


@dataclass(frozen=True)
class Failure:
    """What explain takes; None is what did not come."""

    step: str = "poll"
    event: str | None = None
    status: int | None = None
    error_name: str | None = None
    error_type: str | None = None
    error_code: int | None = None
    message: str | None = None

    def body(self):
        return {name: value for name, value in asdict(self).items() if value is not None}


def listed(value):
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


class Policy:
    """The rules of a file."""

    def __init__(self, path=SHIPPED):
        self.rules = yaml.safe_load(Path(path).read_text())

    def judge(self, failure):
        """The first rule that a failure meets, or None."""
        return next((rule for rule in self.rules if meets(failure, rule)), None)

    def verdict(self, failure):
        """Rule, class, action, retries and wait, as explain names them."""
        rule = self.judge(failure)
        if rule is None:
            return {"rule": None, "class": "internal", "action": "none", "retries": 0, "wait": None}
        return {"rule": rule["id"], "class": rule["class"], "action": rule["action"],
                "retries": rule.get("retries", 0), "wait": rule.get("wait")}


def meets(failure, rule):
    """Whether a rule judges a failure, as the reference says; of rules it looks only at their own conditions."""
    if failure.error_type == "USER_ERROR" and not rule["id"].startswith("U"):
        return False
    if "step" in rule and rule["step"] != failure.step:
        return False
    if ("event" in rule or "status" in rule) and not happened(failure, rule):
        return False
    if "type" in rule and rule["type"] != failure.error_type:
        return False
    if "not_type" in rule and rule["not_type"] == failure.error_type:
        return False
    names, regex = listed(rule.get("names")), rule.get("match")
    named = failure.error_name in names
    if rule.get("when") == "name-or-text":
        return named or (failure.error_name is None and found(regex, failure.message))
    return (named or not names) and (regex is None or found(regex, failure.message))


def happened(failure, rule):
    if failure.event is not None:
        return failure.event in listed(rule.get("event"))
    statuses = listed(rule.get("status"))
    return failure.status in statuses or ("other" in statuses and failure.status not in (None, 200))


def found(regex, message):
    text = (message or "").encode()[:TEXT]
    return re.search(regex.encode(), text, re.IGNORECASE) is not None


def samples():
    """The failures that came with the rules, each with the rule it was found for (None: none)."""
    found = []
    for line in SAMPLES.read_text().splitlines():
        if not line.startswith("#"):
            *fields, text = line.split("\t", 3)
            rule, name, kind = [None if field in ("", "-") else field for field in fields]
            found.append((Failure(error_name=name, error_type=kind, message=text.replace("\\n", "\n")), rule))
    return found


def recorded():
    """The failures of the conversations that real engines had."""
    failures = []
    for path in sorted(RECORDED.glob("*/*.json")):
        for exchange in json.loads(path.read_text())["exchanges"]:
            response = exchange["response"]
            step = "submit" if exchange["request"]["method"] == "POST" else "poll"
            if response.get("status", 200) != 200:
                failures.append(Failure(step=step, status=response["status"], message=body(response)))
            elif (error := error_of(body(response))) is not None:
                failures.append(Failure(
                    step=step, status=200, error_name=error.get("errorName"), error_type=error.get("errorType"),
                    error_code=error.get("errorCode"), message="\n".join(messages(error))))
    return failures


def body(response):
    if "body_base64" in response:
        return base64.b64decode(response["body_base64"]).decode(errors="replace")
    return response.get("body") or ""


def error_of(text):
    try:
        page = json.loads(text)
    except ValueError:
        return None
    return page.get("error") if isinstance(page, dict) else None


def messages(error):
    """The message and those of its causes, outermost first."""
    said, cause = [error.get("message") or ""], (error.get("failureInfo") or {}).get("cause")
    while cause:
        said.append(cause.get("message") or "")
        cause = cause.get("cause")
    return said


def crossings(random, policy, count):
    """Names, types, texts, steps, events and statuses thrown together."""
    known = [failure for failure, _ in samples()] + recorded()
    names = sorted({name for rule in policy.rules for name in listed(rule.get("names"))})
    texts = [failure.message for failure in known]
    failures = []
    for _ in range(count):
        base = random.choice(known)
        message = random.choice([base.message, random.choice(texts), None])
        if message and random.random() < 0.2:
            message = random.choice([message.upper(), "x " + message, message + "\n" + random.choice(texts),
                                     "é" * random.choice([1, TEXT // 2 - 20]) + message])
        failures.append(Failure(
            step=random.choice(STEPS),
            event=random.choice(EVENTS) if random.random() < 0.2 else None,
            status=random.choice([None, None, 200, 200, 400, 401, 403, 404, 410, 429, 431, 500, 502, 503, 504, 505]),
            error_name=random.choice([base.error_name, random.choice(names), None, "NEVER_SEEN"]),
            error_type=random.choice([base.error_type, random.choice(TYPES), None, "NEVER_SEEN"]),
            error_code=random.choice([None, random.randrange(1 << 28)]), message=message))
    return failures
