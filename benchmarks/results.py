"""``RESULTS.md``: a section for each benchmark, and what it says of machine and commit."""

import platform
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"


def write_section(report: str) -> None:
    """Put a section in place of the one with the same heading (its first line, ``# …``), else at the end."""
    heading = report.split("\n", 1)[0]
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    parts = re.split(r"(?m)^(?=# )", text)
    found = next((at for at, part in enumerate(parts) if part.split("\n", 1)[0] == heading), None)
    if found is None:
        parts.append(report)
    else:
        parts[found] = report
    sections = [part.strip() + "\n" for part in parts if part.strip()]
    RESULTS.write_text("\n".join(sections), encoding="utf-8")


def commit() -> str:
    """The commit that is measured, marked where files differ from it."""
    git = shutil.which("git") or "git"
    described = subprocess.run([git, "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, check=True)
    return described.stdout.decode().strip()


def processor() -> str:
    """The model of the processor, where the system says it."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text(encoding="utf-8")) if info.exists() else []
    return models[0] if models else platform.machine()
