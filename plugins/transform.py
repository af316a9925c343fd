"""dbt layers, built in process: one build per layer, in the run's own DuckDB file.

A process per model is ten times slower than one build, and `dbtRunner` keeps the file locked after it
returns, so the connections are closed here before anything else may open it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"

# Layers of the project with one folder per source.
_BY_SOURCE = ("raw", "staging")
_NOT_THE_PROJECT = (".dbtignore", "target", "logs")

# What one run has otherwise than the next. dbt reads these where a model runs; where it only parses, a
# word stands for each, and is replaced in the few places that parsing has filled in already.
_DAILY = {
    "run_dir": "@run_dir@",
    "day_key": "@day_key@",
    "as_of_dates": [{"as_of": "2000-01-01", "known_on": "2000-01-01"}],
    "known_on": "2000-01-01",
    "day_of_labels": None,
    "customers_below": None,
}
_KEPT = 4  # parsed projects: of this release, the one before, and other sets of sources

# What dbt says of a project it cannot compile, and DuckDB of SQL, or of a cell under it, that is wrong. Not
# among them: out of memory, input and output, connections, transactions, an error of the engine's own.
_WRONG = (
    "Compilation",
    "Parsing",
    "Parser",
    "Syntax",
    "Binder",
    "Catalog",
    "Conversion",
    "Invalid Input",
    "Mismatch Type",
    "Out of Range",
    "Constraint",
)
# At the beginning only: further on the engine quotes cells. dbt puts a line of its own before its words.
_WORDS_OF_WRONG = re.compile(rf"\s*(?:(?:Runtime|Database) Error in .*\n\s*)?(?:{'|'.join(_WRONG)}) Error\b")


class BuildFailed(RuntimeError):
    """dbt could not build a model; the message names the models and the engine's words.

    The engine's words can quote a cell of the data. `told` is what may go where the data may not, say into an
    alert: the models alone, or the kind of fault.
    """

    def __init__(self, message: str, told: str = "") -> None:
        super().__init__(message)
        self.told = told


class ModelWrong(BuildFailed, ValueError):
    """The model itself is wrong, or a cell it cannot convert: trying again would not help."""


class TestsBroken(ValueError):
    """A dbt data test found rows that break it: wrong data, so trying again would not help."""

    __test__ = False  # pytest must not take this for a test class


def build(
    layers: Sequence[str],
    run_dir: Path,
    variables: Mapping[str, Any],
    name: str,
    memory_limit: str = "4GB",
    *,
    models_at_once: int = 2,
    tests: bool = True,
    alone: bool = False,
    without: Sequence[str] = (),
    schemas: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Build `layers` (dbt selectors) of the project into `run_dir`/run.duckdb; return counts per status.

    `models_at_once` share `memory_limit`.

    Absolute paths throughout: with a relative project folder dbt's seeds are lost from another working
    folder. The manifest and each build's results stay in `run_dir`/dbt; the parsed project is kept beside
    the lake's layers for the next run, as parsing takes longer than most builds. Without `tests` data tests
    are left to another build of the same rows.

    With `alone`, tests that also look at tables of other layers are left out: those need not be there. What
    `without` selects is left out of `layers`. `schemas` gives a schema another name for this build alone: its
    tables are built beside those that are there under its own name, and reading another schema they find what
    is there.

    Raises ModelWrong for a model that is wrong itself, BuildFailed for one that failed for another reason,
    TestsBroken for a data test; each names every node concerned.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target = run_dir / "dbt"
    for folder in (target, run_dir / "features", run_dir / "marts", run_dir / "memory", run_dir / "spill"):
        folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "DO_NOT_TRACK": "1",
        "SEGMENTATION_RUN_DUCKDB": str(run_dir / "run.duckdb"),
        "SEGMENTATION_SPILL": str(run_dir / "spill"),
        "SEGMENTATION_MEMORY_LIMIT": memory_limit,
        "SEGMENTATION_MODELS_AT_ONCE": str(models_at_once),
    }
    with _environment(environment):
        parsed = _parsed(variables)
        command = ["build", "--select", *layers, "--exclude-resource-type", "unit_test"]
        if not tests:
            command += ["--exclude-resource-type", "test"]
        if alone:
            command += ["--indirect-selection", "cautious"]
        if without:
            command += ["--exclude", *without]
        command += _arguments(parsed / "project", target, variables)
        shutil.copyfile(parsed / "manifest.json", target / "manifest.json")
        try:
            outcome = dbtRunner(manifest=_manifest(parsed, variables, schemas or {})).invoke(command)
        finally:
            DuckDBConnectionManager.close_all_connections()
    results = target / "run_results.json"
    if results.exists():
        results.replace(target / f"{name}_run_results.json")
    return _judge(outcome, name)


def parse(variables: Mapping[str, Any]) -> None:
    """Parse the project ahead of the builds that use these variables, unless that was done before."""
    with _environment({"DO_NOT_TRACK": "1", "SEGMENTATION_RUN_DUCKDB": "run.duckdb"}):
        _parsed(variables)


def _parsed(variables: Mapping[str, Any]) -> Path:
    """The folder with the parsed project for these variables; parsed now where no run has done so before.

    Its name is a hash of all that parsing reads, so a project that was changed is another one. It appears in
    one step, and may be deleted at any time but while a run builds.
    """
    from dbt.cli.main import dbtRunner

    lasting = dict(variables) | {name: _DAILY[name] for name in _DAILY}
    root = Path(variables["lake_root"]) / "parsed"
    folder = root / _key(lasting)
    if (folder / "manifest.json").exists():
        os.utime(folder)
        return folder
    root.mkdir(parents=True, exist_ok=True)
    work = root / f".{folder.name}-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        # the links are made where they stay: the parsed project knows its seeds by their paths
        links = project(folder / "project", lasting["enabled_sources"])
        outcome = dbtRunner().invoke(["parse", *_arguments(links, work, lasting)])
        if not outcome.success:
            raise _failed("dbt parse", outcome.exception) from outcome.exception
        for name in ("partial_parse.msgpack", "manifest.json"):  # the manifest last: it says all is there
            os.replace(work / name, folder / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    kept = (path for path in root.iterdir() if not path.name.startswith("."))  # those are being made
    by_use = sorted(kept, key=lambda path: path.stat().st_mtime)
    for old in by_use[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _key(lasting: Mapping[str, Any]) -> str:
    """A hash of what parsing reads: the releases of dbt, the project, the lasting variables."""
    from importlib.metadata import version

    digest = hashlib.sha256()
    told = [version("dbt-core"), version("dbt-duckdb"), str(PROJECT), dict(lasting)]
    digest.update(json.dumps(told, sort_keys=True, default=str).encode())
    for path in sorted(PROJECT.rglob("*")):
        if path.is_file() and path.suffix in (".sql", ".yml", ".csv"):
            digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _manifest(parsed: Path, variables: Mapping[str, Any], schemas: Mapping[str, str]) -> Any:
    """The parsed project as dbt takes it, with the run's own folder and day where parsing left a word.

    A schema's other name is put in here, as one given to dbt would be another project to parse.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(
        (parsed / "partial_parse.msgpack").read_bytes(), decoder=extended_mashumuro_decoder
    )
    words = {_DAILY[name]: str(variables[name]) for name in ("run_dir", "day_key")}

    def put_in(value: Any) -> Any:
        if isinstance(value, str):
            for word, meant in words.items():
                value = value.replace(word, meant)
        elif isinstance(value, dict):
            for key, each in value.items():
                value[key] = put_in(each)
        return value

    for node in manifest.nodes.values():
        put_in(node.config._extra)
        put_in(node.unrendered_config)
        if node.resource_type == "model" and node.schema in schemas:
            named = schemas[node.schema]
            node.relation_name = node.relation_name.replace(f'"{node.schema}"', f'"{named}"')
            node.schema = named
    for source in manifest.sources.values():
        for meta in (source.meta, source.source_meta, source.config.meta):
            put_in(meta)
    manifest.build_flat_graph()
    return manifest


def docs(target: Path, variables: Mapping[str, Any]) -> Path:
    """Write the project's documentation (lineage, grain, columns, tests) as one HTML page; return its path.

    Raises BuildFailed when dbt cannot make it.
    """
    from dbt.cli.main import dbtRunner

    target.mkdir(parents=True, exist_ok=True)
    project = _project(target, variables)
    command = ["docs", "generate", "--static", "--empty-catalog", *_arguments(project, target, variables)]
    with _environment({"DO_NOT_TRACK": "1"}):
        outcome = dbtRunner().invoke(command)
    if not outcome.success:
        raise _failed("dbt docs", outcome.exception) from outcome.exception
    return target / "static_index.html"


def project(folder: Path, sources: Sequence[str]) -> Path:
    """The dbt project with the models of these sources alone, as links in `folder`; return its folder.

    dbt parses every file it finds, enabled or not; the sources a company does not have would cost each of its
    runs seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in PROJECT.iterdir():
        link = folder / path.name
        if path.name in _NOT_THE_PROJECT:
            continue
        if link.is_symlink() and link.readlink() != path:  # of the release before this one
            link.unlink()
        with suppress(FileExistsError):  # there already, or made by a run beside this one
            link.symlink_to(path)
    others = [
        f"{path.relative_to(PROJECT)}/\n"
        for layer in _BY_SOURCE
        for path in sorted((PROJECT / "models" / layer).iterdir())
        if path.is_dir() and path.name not in sources
    ]
    (folder / ".dbtignore").write_text("".join(others))
    return folder


def _project(target: Path, variables: Mapping[str, Any]) -> Path:
    return project(target / "project", variables["enabled_sources"])


def _arguments(project: Path, target: Path, variables: Mapping[str, Any]) -> list[str]:
    return [
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(target),
        "--log-path",
        str(target),
        "--vars",
        json.dumps(dict(variables)),
        "--log-level-file",
        "none",  # it would write every statement a second time, in debug; what failed is in the exception
        "--no-use-colors",
        "--no-version-check",
    ]


def _judge(outcome: Any, name: str) -> dict[str, int]:
    """Counts per status, or the exception that says what went wrong and where."""
    results = list(getattr(outcome.result, "results", None) or [])
    counts: dict[str, int] = {}
    for result in results:
        status = str(result.status)
        counts[status] = counts.get(status, 0) + 1
    errors = [r for r in results if str(r.status) in ("error", "runtime error")]
    if errors:
        what = f"dbt build of {name}: {len(errors)} failed"
        # One that is wrong will not let the build pass, whatever stopped the others.
        is_wrong = any(_WORDS_OF_WRONG.match(r.message or "") for r in errors)
        raise (ModelWrong if is_wrong else BuildFailed)(
            "\n".join([what, *(f"{r.node.unique_id}: {r.message}" for r in errors)]),
            told="\n".join([what, *(r.node.unique_id for r in errors)]),
        )
    broken = [f"{r.node.unique_id}: {r.failures} rows break it" for r in results if str(r.status) == "fail"]
    if broken:
        raise TestsBroken(f"dbt build of {name}: {len(broken)} data tests broken\n" + "\n".join(broken))
    if not outcome.success:
        raise _failed(f"dbt build of {name}", outcome.exception) from outcome.exception
    log.info("built %s: %s", name, ", ".join(f"{n} {status}" for status, n in sorted(counts.items())))
    return counts


def _failed(what: str, fault: BaseException) -> BuildFailed:
    """The exception for what dbt could not even begin, say for a project it cannot parse."""
    from dbt.exceptions import CompilationError, DbtConfigError, DbtValidationError, ParsingError

    is_wrong = isinstance(fault, CompilationError | DbtConfigError | DbtValidationError | ParsingError)
    return (ModelWrong if is_wrong else BuildFailed)(
        f"{what}: {fault}", told=f"{what}: {type(fault).__name__}"
    )


def descriptions(run_dir: Path, schema: str) -> dict[str, dict[str, Any]]:
    """Table → its description and its columns' descriptions, of the tables dbt built into `schema`."""
    manifest = json.loads((run_dir / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    return {
        node["name"]: {
            "description": node["description"],
            "columns": {column["name"]: column["description"] for column in node["columns"].values()},
            "types": {column["name"]: column.get("data_type") for column in node["columns"].values()},
        }
        for node in nodes
        if node["schema"] == schema and node["resource_type"] in ("model", "source")
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """`os.environ` with `values` for the time of one build: dbt reads its profile from there."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
