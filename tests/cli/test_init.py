"""``noroshi init``: a first configuration that is a hub's own, ready to run, and never over another one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.loading import load, shipped
from taxii_server.cli.main import noroshi
from taxii_server.opening import check_feeds, open_hub
from taxii_server.stores.base import StoreUnusable
from tests.processes import BOUND, environment, run

ROOT = Path(__file__).parents[2]


def _init(*arguments: str) -> Result:
    return CliRunner().invoke(noroshi, ["init", *arguments])


def test_the_file_is_the_shipped_hub_with_an_identity_of_its_own(tmp_path: Path) -> None:
    """Groups, doors, views and feeds are those that ship; name, namespace and collection ids are new."""
    assert _init(str(tmp_path / "one")).exit_code == 0
    own, base = load(tmp_path / "one" / "hub.yaml"), load(shipped("hub.yaml"))
    check_feeds(own, tmp_path / "one" / "hub.yaml")
    assert (own.groups, own.feeds, own.default_root) == (base.groups, base.feeds, base.default_root)
    assert own.data == tmp_path / "one" / "data"
    assert (own.hub.namespace, own.hub.name) != (base.hub.namespace, base.hub.name)
    assert own.hub.contact is None
    pairs = [
        (mine, theirs)
        for mine_root, theirs_root in zip(own.api_roots, base.api_roots, strict=True)
        for mine, theirs in zip(mine_root.collections, theirs_root.collections, strict=True)
    ]
    assert all(mine.id != theirs.id for mine, theirs in pairs)
    assert [mine.model_copy(update={"id": theirs.id}) for mine, theirs in pairs] == [theirs for _, theirs in pairs]


def test_two_hubs_have_nothing_in_common_that_must_differ(tmp_path: Path) -> None:
    """A second hub gets another namespace, name and ids, and cannot be started on the first one's store."""
    for name in ("one", "two"):
        assert _init(str(tmp_path / name)).exit_code == 0
    one, two = load(tmp_path / "one" / "hub.yaml"), load(tmp_path / "two" / "hub.yaml")
    assert one.hub.namespace != two.hub.namespace
    assert one.hub.name != two.hub.name
    ids = [item.id for hub in (one, two) for root in hub.api_roots for item in root.collections]
    assert len(set(ids)) == len(ids)
    open_hub(one).close()
    with pytest.raises(StoreUnusable):
        open_hub(two.model_copy(update={"data": one.data}))


def test_what_is_said_about_the_hub_arrives_as_it_was_given(tmp_path: Path) -> None:
    """Quotes, colons, backslashes and Japanese in options are the same text in the settings."""
    title, contact = '警察 "CSIRT": a\\1 #not a comment', "https://hub.example.jp/?a=1#b: c"
    done = _init(str(tmp_path / "x"), "--name", "hub.example.jp", "--title", title, "--contact", contact)
    assert done.exit_code == 0, done.output
    settings = load(tmp_path / "x" / "hub.yaml")
    assert (settings.hub.name, settings.hub.title) == ("hub.example.jp", title)
    assert (settings.hub.contact, settings.collector_contact) == (contact, contact)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name", "My Hub"], "--name: expected up to 61 of a-z"),
        (["--name", ""], "--name: expected"),
        (["--title", " "], "--title: expected"),
        (["--contact", "a\nb: c"], "--contact: expected"),
    ],
)
def test_a_wrong_option_writes_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Wrong use is said, with exit code 2, before anything is made."""
    done = _init(str(tmp_path / "x"), *arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A file or a data folder that is there already ends the command, and stays byte for byte."""
    first = tmp_path / "hub.yaml"
    first.write_bytes(b"mine")
    done = _init(str(tmp_path))
    assert (done.exit_code, first.read_bytes()) == (1, b"mine")
    assert "hub.yaml: is there already" in done.output
    taken = tmp_path / "other"
    (taken / "data").mkdir(parents=True)
    done = _init(str(taken))
    assert done.exit_code == 1
    assert not (taken / "hub.yaml").exists()


def test_a_wheel_outside_the_checkout_begins_a_hub(tmp_path: Path) -> None:
    """What is installed from a wheel writes the file and works with it, with no checkout in sight."""
    source = tmp_path / "source"
    for name in ("config", "collectors", "normalizers", "taxii_server"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps", "--no-index"]
    made = subprocess.run(
        [*pip, "--no-build-isolation", "-w", str(tmp_path), str(source)],
        capture_output=True, text=True, env=environment(), timeout=BOUND, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    hub = tmp_path / "hub"
    outside = {"PYTHONPATH": str(tmp_path / "installed"), "PYTHONSAFEPATH": "1"}
    began = run("init", str(hub), **outside)
    assert began.returncode == 0, began.stderr
    common = ("--config", str(hub / "hub.yaml"))
    added = run("users", "add", "soc", "--group", "members", "--organisation", "X", "--no-password", *common, **outside)
    assert added.returncode == 0, added.stderr
    shown = run("feeds", "list", *common, **outside)
    assert shown.returncode == 0, shown.stderr
    assert "jpcert-rss" in shown.stdout
