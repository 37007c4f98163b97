"""The house rules that a machine can check: shape of the tree, imports of the rings, length, forbidden words."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "Sources"

# From the inside out. A ring names only what lies before it, and of its own ring what SAME_RING allows.
RINGS = ["System", "Core", "Model", "Services", "Adapters", "Tools", "Daemon"]
SAME_RING = {
    "Curl": {"Threads"},
    "Postgres": {"Threads"},
    "Wire": set(),
    "SQL": set(),
    "Engine": {"Wire", "SQL"},
    "Gateway": {"Network", "HTTPServer"},
    "Commands": {"Gateway"},
    "penstock": {"Commands"},
}
EVERY_ADAPTER_MAY = {"Network", "HTTPServer"}
OF_SYSTEM = {"Core": {"Patterns", "Bytes"}, "Services": set()}
WRAPPERS = {
    "CUV": "Network",
    "CSQLite": "SQLite",
    "CCurl": "Curl",
    "CPCRE2": "Patterns",
    "CYAML": "YAML",
    "COpenSSL": "TLS",
    "CZlib": "Gzip",
    "CPostgres": "Postgres",
}
FROM_THE_TOOLCHAIN = {
    "System": {"Glibc", "Synchronization", "FoundationEssentials"},
    "Core": {"Synchronization"},
    "Model": {"Synchronization", "FoundationEssentials"},
    "Services": {"Synchronization", "FoundationEssentials"},
    "Adapters": {"Glibc", "Synchronization", "FoundationEssentials"},
    "Tools": {"Glibc", "Synchronization", "FoundationEssentials"},
    "Daemon": {"Glibc", "Synchronization", "FoundationEssentials"},
}
TOP_LEVEL = {"Package.swift", "Makefile", "README.md", "LICENSE", "Sources", "Tests", "Config", "Scripts"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 70
WIDEST_LINE = 120

IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public |package |internal |private |fileprivate )?import "
                    r"(?:struct |class |enum |protocol |func |let |var |typealias )?(\w+)", re.MULTILINE)
FUNCTION = re.compile(r"^(?P<indent> *)(?:@\w+(?:\([^)]*\))? )*(?:[a-z]+(?:\([a-z]+\))? )*"
                      r"(?:func [^(<]+|init|deinit|subscript)\b.*$")
VAGUE = r"(?:Manager|Helpers?|Utils?|Common|Impl|Base)"
BUILT = r"(^|/)(\.build|\.testbed|\.venv|__pycache__)/|Package\.resolved$|\.(o|a|so|jar|whl|deb)$"


def tracked(*patterns):
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file())


def swift_sources():
    return tracked("Sources/*.swift")


def swift_everywhere():
    return tracked("*.swift")


def place(path):
    """The ring and the module that a file under Sources belongs to."""
    parts = path.relative_to(SOURCES).parts
    ring = parts[0]
    return ring, ring if ring in ("Model", "Services") else parts[1]


def modules():
    """Ring by module name, from the folders."""
    found = {"Model": "Model", "Services": "Services"}
    for ring in RINGS:
        if ring not in found and (SOURCES / ring).is_dir():
            found.update({folder.name: ring for folder in (SOURCES / ring).iterdir() if folder.is_dir()})
    return found


def without_comments_and_strings(text):
    """The text with comments and string contents blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'"""(?:.|\n)*?"""|#*"(?:\\.|[^"\\\n])*"#*|//[^\n]*|/\*(?:.|\n)*?\*/', blank, text)


def findings(pattern, paths, keep=lambda path, line: True, bare=True):
    """Lines that match, as file:line: text; with `bare`, comments and strings do not count."""
    expression = re.compile(pattern)
    found = []
    for path in paths:
        text = path.read_text(errors="replace")
        lines = text.splitlines()
        for number, line in enumerate((without_comments_and_strings(text) if bare else text).splitlines(), 1):
            if expression.search(line) and keep(path, lines[number - 1]):
                found.append(f"{path.relative_to(ROOT)}:{number}: {lines[number - 1].strip()}")
    return found


def has_reason(path, line):
    """Whether the line has a comment beside it or just above it."""
    lines = path.read_text().splitlines()
    at = lines.index(line)
    return "//" in line or (at > 0 and lines[at - 1].strip().startswith("//"))


def report(found):
    assert not found, "\n" + "\n".join(found)


def test_top_level_holds_only_what_the_design_names():
    entries = {path.relative_to(ROOT).parts[0] for path in tracked()}
    report(sorted(entry for entry in entries if entry not in TOP_LEVEL and not entry.startswith(".")))


def test_each_module_imports_only_what_its_ring_may_name():
    known = modules()
    found = []
    for path in swift_sources():
        ring, module = place(path)
        for name in IMPORT.findall(path.read_text()):
            if name in FROM_THE_TOOLCHAIN[ring]:
                continue
            if name in WRAPPERS:
                allowed = WRAPPERS[name] == module
            elif name not in known:
                allowed = False
            elif RINGS.index(known[name]) < RINGS.index(ring):
                allowed = known[name] != "System" or name in OF_SYSTEM.get(ring, {name})
            else:
                allowed = known[name] == ring and (
                    name == module
                    or name in SAME_RING.get(module, set())
                    or ring == "Adapters" and name in EVERY_ADAPTER_MAY)
            if not allowed:
                found.append(f"{path.relative_to(ROOT)}: {ring}/{module} imports {name}")
    report(found)


def test_nothing_imports_the_whole_of_foundation():
    report(findings(r"^\s*(?:@\w+ )*(?:\w+ )?import Foundation\b", swift_everywhere()))


def test_tests_mirror_the_modules():
    known = modules()
    folders = {path.relative_to(ROOT).parts[1] for path in tracked("Tests/*.swift")}
    report(sorted(name for name in folders
                  if name not in ("TestKit", "Fuzz") and name.removesuffix("Tests") not in known))


def test_files_stay_short():
    report([f"{path.relative_to(ROOT)}: {count} lines" for path in swift_everywhere()
            if (count := len(path.read_text().splitlines())) > LONGEST_FILE])


def test_functions_stay_short():
    found = []
    for path in swift_everywhere():
        lines = path.read_text().splitlines()
        for start, line in enumerate(lines):
            match = FUNCTION.match(line)
            if not match or line.endswith("}"):
                continue
            indent = match["indent"]
            end = next((at for at in range(start + 1, len(lines)) if lines[at].startswith(indent + "}")
                        or (lines[at].strip() and not lines[at].startswith(indent))), None)
            if end is not None and lines[end].startswith(indent + "}") and end - start + 1 > LONGEST_FUNCTION:
                found.append(f"{path.relative_to(ROOT)}:{start + 1}: {end - start + 1} lines: {line.strip()}")
    report(found)


def test_lines_stay_narrow():
    """Of Python and the shell; swift format sees to Swift's."""
    report([f"{path.relative_to(ROOT)}:{number}" for path in tracked("*.py", "*.sh", "Makefile", ".ci/run")
            for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > WIDEST_LINE])


def test_no_force():
    report(findings(r"\btry!|\bas!|@unchecked\s+Sendable|[\w)\]]!(?=[\s.,)\]\[:;]|$)", swift_sources()))


def test_unsafe_stands_only_where_bytes_meet_c():
    allowed = [SOURCES / "System", SOURCES / "Adapters" / "Network", SOURCES / "Adapters" / "Relay"]
    report(findings(r"\bunsafe\b|\bnonisolated\(unsafe\)", swift_sources(),
                    keep=lambda path, line: not any(folder in path.parents for folder in allowed)))


def test_traps_and_shared_unsafe_state_give_their_reason():
    report(findings(r"\bfatalError\(|\bpreconditionFailure\(|nonisolated\(unsafe\)", swift_sources(),
                    keep=lambda path, line: not has_reason(path, line)))


def test_only_commands_print():
    allowed = SOURCES / "Daemon"
    report(findings(r"^\s*(?:print|debugPrint|dump)\(", swift_sources(),
                    keep=lambda path, line: allowed not in path.parents))


def test_the_poll_path_knows_no_unowned_and_no_regex():
    folders = ["Core", "Adapters/Network", *(f"Adapters/Relay/{part}" for part in ("Front", "Upstream", "Statements"))]
    path = tracked(*(f"Sources/{folder}/*.swift" for folder in folders))
    report(findings(r"\bunowned\b|\bRegex<|\bNSRegularExpression\b|#/", path))
    report(findings(r"-Ounchecked", [ROOT / "Package.swift"]))


def test_names_say_what_things_are():
    kinds = r"(?:struct|class|enum|actor|protocol|extension|typealias)"
    report(findings(rf"\b{kinds}\s+\w*{VAGUE}\b", swift_everywhere()))
    report([str(path.relative_to(ROOT)) for path in tracked("Sources", "Tests")
            if re.search(rf"{VAGUE}\.(swift|py)$", path.name)])


def test_nothing_is_left_unfinished():
    words = r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|not (?:yet )?implemented|unimplemented"
    mine = Path(__file__).resolve()
    texts = [path for path in tracked("*.swift", "*.py", "*.sh", "*.yaml", "*.md", "Makefile")
             if path != mine and "Recorded" not in path.parts]
    report(findings(words, texts, bare=False))


def test_every_target_is_checked_for_memory_safety():
    package = (ROOT / "Package.swift").read_text()
    assert ".strictMemorySafety()" in package
    loose = re.findall(r"\.(?:target|testTarget|executableTarget)\((?:[^()]|\([^()]*\))*\)", package)
    report([target.split("\n")[0] for target in loose if "swiftSettings:" not in target])


def test_no_path_of_this_machine_is_written_down():
    toolchain = shutil.which("swift")
    paths = {str(ROOT.parent), os.path.expanduser("~")}
    if toolchain:
        paths.add(str(Path(toolchain).parent.parent))
    paths = {path.rstrip("/") + "/" for path in paths} - {"/", "/usr/", "/tmp/"}
    found = []
    for path in tracked():
        text = path.read_bytes()
        found += [f"{path.relative_to(ROOT)}: {known}" for known in paths
                  if re.search(rb"(?<![\w.$}])" + re.escape(known.encode()), text)]
    report(found)


def test_nothing_built_is_tracked():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    report([line for line in listing.splitlines() if re.search(BUILT, line)])


@pytest.mark.parametrize("script", tracked("Scripts/*.sh", ".ci/run"), ids=lambda path: path.name)
def test_scripts_can_be_run(script):
    assert os.access(script, os.X_OK)
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    subprocess.run([shell, "-n", script], check=True)
