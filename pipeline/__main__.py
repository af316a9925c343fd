"""The commands behind `make`: run, ui, status, stop, clean, why, rollback, unpin, docs."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from expectations.gate import PromiseBroken
from pipeline import failures, hash_key, local_airflow, new_source, planted, schedule, steps
from pipeline.run import DAG_ID, RAW_MODELS, Run
from pipeline.settings import REPOSITORY, Settings, load
from storage import declaration, lake, published, requeue
from storage.lake import Day

_BEGAN = time.monotonic()


def say(line: str) -> None:
    """One line of progress, with the seconds since the command began."""
    print(f"[{time.monotonic() - _BEGAN:5.1f} s] {line}", flush=True)


class Refused(RuntimeError):
    """The command cannot start; the message names what is in the way."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it says, 1 with one clear line when it did not."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "rollback"):
        command = commands.add_parser(name)
        command.add_argument("--day", type=_day)
        if name == "run":
            command.add_argument("--known-on", type=_day)
    commands.add_parser("ui").add_argument("--port", type=int, default=8080)
    commands.add_parser("why").add_argument("customer", nargs="?", default="")
    command = commands.add_parser("new-source")
    command.add_argument("name")
    command.add_argument("--like", default=new_source.CONTRACT)
    command = commands.add_parser("requeue")
    for name in ("source", "extract", "file"):
        command.add_argument(f"--{name}", required=True)
    command.add_argument("--records", type=_numbers, help="e.g. 3,17; all of the file without it")
    command.add_argument("--to", type=Path, help="write them here, to be put right")
    command.add_argument("--from", type=Path, dest="corrected", help="release these in their place")
    command.add_argument("--day", type=_day, help="the delivery day of the release")
    command.add_argument("--anyway", action="store_true", help="also what would be held again")
    command = commands.add_parser("erase")
    command.add_argument("--source", required=True)
    command.add_argument("--customer", action="append", default=[], help="an id; may be given again")
    command.add_argument("--phone")
    command.add_argument("--email")
    command.add_argument("--linked", action="store_true", help="also others' with the same phone or e-mail")
    command.add_argument("--day", type=_day, required=True, help="no later delivery is held back")
    command = commands.add_parser("retain")
    command.add_argument("--day", type=_day, required=True)
    for name in ("status", "stop", "clean", "unpin", "docs", "quarantine", "parse"):
        commands.add_parser(name)
    options = parser.parse_args(arguments)
    try:
        settings = load()
        if settings.sources == (planted.SOURCE,):  # nobody to protect: a key everybody may know
            os.environ.setdefault(hash_key.ENVIRONMENT, planted.DEMO_HASH_KEY)
        return _COMMANDS[options.command](settings, options) or 0
    except (ValueError, OSError, RuntimeError, LookupError) as fault:
        print(f"\n{type(fault).__name__}: {fault}", file=sys.stderr)
        return 1


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Bring in the demo's extracts if it is the demo, run the day through Airflow, show the summary."""
    day = Day.of(options.day or settings.schedule.end or _wanted_day(), options.known_on)
    if published.is_published(settings.lake, day, settings.meaning_hash, steps.dictionary_hash()):
        print(f"{day.key} is published already; nothing to do · 当天已发布，无需重跑\n")
        print(_summary(settings, day))
        return 0
    with _only_run(settings, day), ThreadPoolExecutor(1) as beside:
        lake.require_free(settings.lake, int(settings.resources.min_free_gib * 2**30))
        server = local_airflow.running()
        ours = server is None
        if server and server.lake != str(settings.lake):
            msg = (
                f"the Airflow at {server.url} works on {server.lake}, not on {settings.lake}; make stop first"
            )
            raise Refused(msg)
        # Airflow needs 15 s to come up, mostly importing: the extracts are written meanwhile.
        extracts = beside.submit(_bring_in, settings)
        parsing = beside.submit(_parse_beside)
        if ours:
            say("starting Airflow (headless, loopback only) · 正在启动 Airflow")
            server = local_airflow.start(local_airflow.HEADLESS, local_airflow.free_port(), say)
        try:
            extracts.result()
            say(f"running {DAG_ID} for {day.key} · 正在运行")
            instant = schedule.instant(settings, day).isoformat()
            conf = {"known_on": day.known_on.isoformat()} if day.known_on > day.as_of else {}
            run_id = local_airflow.trigger(server, DAG_ID, instant, conf, say)
            state = local_airflow.follow(server, DAG_ID, run_id, say)
            failed = failures.of(server, DAG_ID, run_id) if state != "success" else []
        finally:
            parsing.result().wait()
            stopping = beside.submit(local_airflow.stop, say=None) if ours else None
        if state == "success":  # Airflow takes some seconds to stop, which the summary does not wait for
            print(f"\n{_summary(settings, day)}")
        else:
            print(f"\nThe run of {day.key} failed; nothing of it is published. 运行失败，未发布任何内容。")
            print(_broken(settings, run_id, failed))
        if stopping:
            stopping.result()
    return 0 if state == "success" else 1


def _day(text: str) -> date:
    """A day as the command line gives it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{text} is no day; wanted YYYY-MM-DD"
        raise argparse.ArgumentTypeError(msg) from None


def _wanted_day() -> date:
    msg = "the settings have no schedule.end; say which day: make run DAY=YYYY-MM-DD"
    raise ValueError(msg)


def _summary(settings: Settings, day: Day) -> str:
    from pipeline import summary

    return summary.text(settings, day)


def _broken(settings: Settings, run_id: str, failed: list[failures.Failure]) -> str:
    """Why the run failed: each failed task's exception, or the promises its gate found broken; its logs."""
    lines = []
    for failure in failed:
        if failure.exception != PromiseBroken.__name__:
            first, *more = failure.lines()
            lines += [f"  task {first}", *(f"     {line}" for line in more)]
    # What an earlier try of the same run left in its folder is no reason why this one failed.
    stopped = any(failure.exception == PromiseBroken.__name__ for failure in failed)
    gates = sorted((lake.run_dir(settings.lake, run_id) / "gates").glob("*.json")) if stopped else []
    for path in gates:
        for verdict in json.loads(path.read_text(encoding="utf-8")):
            if not verdict["passed"] and verdict["strength"] == "break":
                lines.append(f"  gate {verdict['gate']}: {verdict['text_en']} · {verdict['text_zh']}")
                lines.append(
                    f"     {verdict['subject']}: observed {verdict['observed']}, wanted {verdict['expected']}"
                )
    return "\n".join([*lines, f"  task logs: {failures.logs(DAG_ID, run_id)}"])


def _bring_in(settings: Settings) -> None:
    """Write the extracts of the demo and of the planted shop where they are not yet, if they are enabled."""
    if settings.incoming_folder is None:
        return
    if "complete_journey" in settings.sources:
        from pipeline import demo

        say("writing the demo's extracts (84.51° Complete Journey; feedback is simulated) · 正在准备演示数据")
        counts = demo.write_extracts(settings.incoming_folder)
        files = sum(count["files"] for count in counts.values())
        written = sum(count["written"] for count in counts.values())
        say(f"extracts ready: {files} files, {written} written now · 数据已就绪")
    if planted.SOURCE in settings.sources:
        say("planting a shop of which everything is known, and nothing real · 正在生成虚构商店")
        written = sum(planted.bring_in(settings.incoming_folder).values())
        say(f"extracts ready: {written} files written now, their truth beside them · 数据已就绪")


def _parse_beside() -> subprocess.Popen[bytes]:
    """Parse the dbt project in a process of its own, beside what comes before the first build.

    It is 7 s of one core, once for each release and set of sources. What it has to say of a project that is
    wrong the first build says again, where it belongs.
    """
    command = [sys.executable, "-m", "pipeline", "parse"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def parse(settings: Settings, _: argparse.Namespace) -> None:
    """Parse the dbt project ahead of a run."""
    steps.parse(Run(settings, Day.of(settings.schedule.end or date(2000, 1, 1)), "parse", None))


@contextmanager
def _only_run(settings: Settings, day: Day | None) -> Iterator[None]:
    """One `make run` of a lake at a time; the refusal names the process and day that hold it."""
    settings.lake.mkdir(parents=True, exist_ok=True)
    with (settings.lake / ".run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(f"a run is going on: {file.read().strip()}; wait for it, or make stop") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} " + (f"runs {day.key}" if day else "cleans up"))
        file.flush()
        yield
        file.seek(0)
        file.truncate()


def _is_held(settings: Settings) -> bool:
    """Whether a `make run` of this lake is going on."""
    try:
        with _only_run(settings, None):
            return False
    except Refused:
        return True


def ui(settings: Settings, options: argparse.Namespace) -> int:
    """Start Airflow with its UI and say where it is."""
    server = local_airflow.running()
    if server is not None and not server.served and _is_held(settings):
        print(f"\n  {server.url}     for as long as the run goes on; then make ui again · 运行期间可用\n")
        return 0
    if server is None or not server.served:
        say("starting Airflow with its UI · 正在启动 Airflow 界面")
        server = local_airflow.start(local_airflow.SERVED, options.port, say)
    print(f"\n  {server.url}     (make stop ends it · 用 make stop 停止)\n")
    return 0


def status(settings: Settings, options: argparse.Namespace) -> int:
    """What is published, what BI sees, whether Airflow is up."""
    shown = published.current(settings.lake)
    for version in published.versions(settings.lake):
        mark = " ◀ BI" if shown and version == shown["version"] else ""
        print(f"  {version}{mark}")
    if shown is None:
        print("  nothing is published yet · 尚未发布")
    elif shown.get("pinned"):
        print("  pinned: BI stays there until make unpin · 已固定")
    server = local_airflow.running()
    print(f"  Airflow: {server.url if server else 'not running · 未运行'}")
    return 0


def stop(settings: Settings, options: argparse.Namespace) -> int:
    """Stop the local Airflow."""
    if not local_airflow.stop(say):
        print("nothing was running · 没有正在运行的服务")
    return 0


def clean(settings: Settings, options: argparse.Namespace) -> int:
    """Stop, and remove the lake, the demo's extracts and Airflow's files; the environment stays.

    Only what lies inside the project's own folder goes: a lake elsewhere may be somebody's production.
    """
    with _only_run(settings, None):
        local_airflow.stop(say)
        dropped = settings.incoming_folder
        made = ("complete_journey", "SIMULATED.txt", planted.SOURCE, f"../{planted.TRUTH}")
        ours = [(dropped / name).resolve() for name in made] if dropped else []
        for place in (settings.lake, *ours, local_airflow.HOME):
            if not place.exists():
                continue
            if REPOSITORY not in place.parents:
                print(f"{place} lies outside the project and stays; remove it yourself if you mean it")
            elif place.is_dir():
                shutil.rmtree(place)
                print(f"removed {place}")
            else:
                place.unlink()
    return 0


def why(settings: Settings, options: argparse.Namespace) -> int:
    """One customer's features, cuts and reasons."""
    from pipeline import why as answer

    if not options.customer.strip():
        msg = "say which customer: make why CUSTOMER=… · 请指定客户"
        raise Refused(msg)
    print(answer.text(settings, options.customer))
    return 0


def rollback(settings: Settings, options: argparse.Namespace) -> int:
    """Pin BI to an older published day."""
    _require_published(settings)
    shown = steps.rollback(settings, options.day)
    print(f"BI sees {shown['version']} until make unpin · BI 已固定到该版本")
    return 0


def unpin(settings: Settings, options: argparse.Namespace) -> int:
    """Let BI follow the newest audited day again."""
    _require_published(settings)
    shown = steps.unpin(settings)
    print(f"BI sees {shown['version']} · 已取消固定")
    return 0


def _require_published(settings: Settings) -> None:
    if not published.versions(settings.lake):
        msg = "nothing is published yet · 尚未发布"
        raise Refused(msg)


def docs(settings: Settings, options: argparse.Namespace) -> int:
    """The tables' documentation as one HTML page."""
    print(steps.write_docs(Run(settings, Day.of(settings.schedule.start), "docs")))
    return 0


def quarantine(settings: Settings, options: argparse.Namespace) -> int:
    """What is held and was neither released nor sent again, by file and reason."""
    found = requeue.held(settings.lake, declaration.read(RAW_MODELS, settings.sources))
    for each in found:
        print(f"{each.source}.{each.extract}  {each.delivered_on}  {each.file}  {_held(each)}")
    wholes = sum(each.whole for each in found)
    also = f" · {wholes} whole files set aside" if wholes else ""
    print(f"{sum(each.records for each in found if not each.whole)} records held · 隔离记录数{also}")
    return 0


def _held(each: requeue.Held) -> str:
    details = "; ".join(each.details[:3]) + ("; …" if len(each.details) > 3 else "")
    if each.whole:
        why = f"{each.reason} ({details})" if details else each.reason
        return f"whole file set aside: {why}; have it sent again"
    if not each.kept:
        return f"{each.reason}: {each.records}, no longer kept; have them sent again"
    numbers = ", ".join(map(str, each.first)) + (", …" if each.records > len(each.first) else "")
    return f"{each.reason}: {each.records} (records {numbers}): {details}"


def release(settings: Settings, options: argparse.Namespace) -> int:
    """Write held records to a file to be put right, or deliver them again on a later day."""
    sources = {source.name: source for source in declaration.read(RAW_MODELS, settings.sources)}
    extracts = (
        {each.name: each for each in sources[options.source].extracts} if options.source in sources else {}
    )
    if options.extract not in extracts:
        msg = f"{options.source}.{options.extract} is no extract of the enabled sources"
        raise Refused(msg)
    extract = extracts[options.extract]
    if options.to:
        count = requeue.export(settings.lake, extract, options.file, options.to, options.records)
        print(
            f"{count} records in {options.to}; put them right and release them with FROM={options.to} DAY=…"
        )
        return 0
    if options.day is None:
        msg = "DAY=YYYY-MM-DD is wanted: the day from which runs see what is released"
        raise Refused(msg)
    try:
        receipt = requeue.release(
            settings.lake,
            extract,
            options.file,
            options.day,
            seen_until=published.seen_until(settings.lake),
            records=options.records,
            corrected=options.corrected,
            source=None if options.anyway else sources[options.source],
            time_zone=settings.time_zone,
        )
    except requeue.StillWrong as wrong:
        msg = f"nothing was released: {wrong}. Put it right, or release it all the same with --anyway"
        raise Refused(msg) from wrong
    count = len(receipt.released_from["records"])
    unread = "; they were not checked, what is wrong is held again" if options.anyway else ""
    print(f"{count} records released as {receipt.file}; runs that see {options.day} read them{unread}")
    return 0


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def create_source(settings: Settings, options: argparse.Namespace) -> int:
    """The files of a new source; those that are there already are left alone."""
    written = new_source.write(RAW_MODELS.parent, options.name, options.like)
    for path in written:
        print(path.relative_to(REPOSITORY))
    print(
        f"{len(written)} files written; next: fill them in, and add {options.name} to sources in the settings"
    )
    return 0


def erase(settings: Settings, options: argparse.Namespace) -> int:
    """Take one person out of everything below the lake, and prove it."""
    from pipeline import maintenance

    done = maintenance.erase(
        settings,
        options.source,
        options.day,
        customers=options.customer,
        phone=options.phone,
        email=options.email,
        linked=options.linked,
    )
    for each in done:
        counts = ", ".join(f"{layer} {count}" for layer, count in each.counts.items()) or "nothing was there"
        print(f"erasure {each.number}: {counts}; found afterwards: {each.search['found']} · 已删除并核验")
    return 0


def retain(settings: Settings, options: argparse.Namespace) -> int:
    """Let go what was sent, and what old runs left behind."""
    from pipeline import maintenance

    with _only_run(settings, None):
        counts = maintenance.retain(settings, options.day, lambda run_id: False)
    print(
        ", ".join(f"{what} {count}" for what, count in counts.items())
        or "nothing is published yet · 尚未发布"
    )
    return 0


_COMMANDS = {
    "run": run,
    "ui": ui,
    "status": status,
    "stop": stop,
    "clean": clean,
    "why": why,
    "rollback": rollback,
    "unpin": unpin,
    "docs": docs,
    "new-source": create_source,
    "erase": erase,
    "retain": retain,
    "quarantine": quarantine,
    "parse": parse,
    "requeue": release,
}

if __name__ == "__main__":
    sys.exit(main())
