"""The doctor: what is configured, what answers, what is wrong and what to do about it."""

from __future__ import annotations

from collections import Counter

from common.clock import MonotonicClock, SystemClock
from common.config import load_settings
from common.errors import TradingError, told
from serving.doctor_broker import broker_findings
from serving.doctor_local import Finding, Level, machine_findings, state_findings
from serving.snippet import desktop_json
from serving.state import StateFolder


async def doctor() -> int:
    """Print every finding, then the host's JSON; return 1 when anything fails."""
    findings = machine_findings()
    try:
        settings = load_settings()
        folder = StateFolder(settings)
    except TradingError as e:
        findings.append(Finding(level=Level.FAIL, name="settings", text=told(e)))
    else:
        findings += await state_findings(settings, folder)
        findings += await broker_findings(settings, folder, MonotonicClock(), SystemClock())
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{finding.level.value:<4}  {finding.name:<{width}}  {finding.text}")
    found = Counter(finding.level for finding in findings)
    print(f"\n{found[Level.FAIL]} failed, {found[Level.WARN]} to look at, {found[Level.OK]} ok")
    print("\nClaude Desktop, in claude_desktop_config.json (then quit and reopen it):\n")
    print(desktop_json())
    return 1 if found[Level.FAIL] else 0
