"""Tools that are not ours, which read what is exported."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def tool(name: str) -> str:
    """Where it is. Without it a test is skipped; where all tests have to run, it fails."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/sbin")
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def checked_zone(folder: Path, zone: bytes) -> str:
    """What BIND says of a zone, which has to be sound."""
    path = folder / "rpz.zone"
    path.write_bytes(zone)
    command = [tool("named-checkzone"), "-D", "-o", "-", "rpz.example", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def checked_rules(folder: Path, rules: bytes) -> None:
    """Have Suricata read rules; every one has to be sound."""
    (folder / "noroshi.rules").write_bytes(rules)
    (folder / "suricata.yaml").write_text(
        "%YAML 1.1\n---\n"
        "vars: {address-groups: {HOME_NET: '[192.168.0.0/16]', EXTERNAL_NET: '!$HOME_NET'}}\n"
        f"default-rule-path: {folder}\nrule-files: [noroshi.rules]\n"
        "classification-file: /etc/suricata/classification.config\n"
        "reference-config-file: /etc/suricata/reference.config\n"
        f"default-log-dir: {folder}\n"
        "app-layer: {protocols: {http: {enabled: yes}, dns: {tcp: {enabled: yes}, udp: {enabled: yes}}}}\n"
    )
    command = [tool("suricata"), "-T", "-c", str(folder / "suricata.yaml"), "-l", str(folder), "-v"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    count = sum(line.startswith(b"alert ") for line in rules.splitlines())
    assert f"{count} rules successfully loaded, 0 rules failed" in said, said
