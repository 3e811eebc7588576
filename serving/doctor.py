"""The doctor: what is configured, what answers, what is wrong and what to do about it."""

from __future__ import annotations

from collections import Counter

from common.clock import MonotonicClock, SystemClock
from common.config import load_settings
from common.errors import TradingError, told
from serving import launch
from serving.doctor_broker import broker_findings
from serving.doctor_local import Finding, Level, machine_findings, state_findings
from serving.snippet import host, start_of, told_for
from serving.state import StateFolder


async def doctor(host_name: str) -> int:
    """Print every finding, then a host's configuration; return 1 when anything fails."""
    findings = machine_findings()
    start = start_of()
    try:
        settings = load_settings()
        folder = StateFolder(settings)
    except TradingError as e:
        findings.append(Finding(level=Level.FAIL, name="settings", text=told(e)))
    else:
        daemon = await launch.find(folder)
        start = start_of(settings.port, daemon.url if daemon else None)
        findings += state_findings(settings, folder, daemon)
        findings += await broker_findings(settings, folder, MonotonicClock(), SystemClock())
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{finding.level.value:<4}  {finding.name:<{width}}  {finding.text}")
    found = Counter(finding.level for finding in findings)
    print(f"\n{found[Level.FAIL]} failed, {found[Level.WARN]} to look at, {found[Level.OK]} ok")
    print(f"\n{told_for(host(host_name), start)}")
    return 1 if found[Level.FAIL] else 0
