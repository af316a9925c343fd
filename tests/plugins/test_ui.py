"""The page inside the Airflow UI: who may see it, and what it tells of good and bad days."""

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow import settings
from airflow.api_fastapi.app import create_auth_manager
from airflow.models.revoked_token import RevokedToken
from fastapi import FastAPI
from fastapi.testclient import TestClient

from storage.lake import run_dir
from ui import pages, plugin, reading, texts

PLUGINS = Path(plugin.__file__).parents[1]
GOOD, BAD = "as_of=2018-01-01", "as_of=2018-01-02"
VERSION = f"{GOOD},key=0a1b2c3d"
BAD_RUN = "scheduled__2018-01-02T10:00:00+00:00"


def verdict(gate: str, promise: str, **more) -> dict:
    return {
        "gate": gate,
        "promise": promise,
        "subject": f"{gate}.table",
        "strength": "break",
        "passed": True,
        "observed": "1",
        "expected": "1",
        "failing_count": 0,
        "text_zh": f"{promise} 中文",
        "text_en": f"{promise} English",
        **more,
    }


def write_parquet(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def segment(scheme: str, code: str, zh: str, en: str, customers: int, order: int) -> dict:
    return {
        "scheme": scheme,
        "segment_code": code,
        "label_zh": zh,
        "label_en": en,
        "sort_order": order,
        "customers": customers,
        "share": customers / 40,
        "revenue_share": customers / 50,
    }


def backtest(on: str, model: str, rule: bool, ap: float | None, version: str = "churn-2018-01-01") -> dict:
    return {
        "churn_version": version,
        "cutoff_on": date.fromisoformat(on),
        "model": model,
        "model_label_zh": f"{model} 中文",
        "model_label_en": f"{model} in English",
        "is_baseline": rule,
        "auc": None if ap is None else ap + 0.1,
        "ap": ap,
        "ece": None if rule or ap is None else 0.021,
    }


def publish(lake: Path, version: str = VERSION) -> None:
    """One published day of 40 customers in two tiers."""
    folder = lake / "published" / "versions" / version
    write_parquet(
        folder / "segment_profile.parquet",
        [
            segment("value_tier", "B", "B 级", "Tier <B>", 30, 2),
            segment("value_tier", "A", "A 级", "Tier A", 10, 1),
            segment("novelty", "early", "尝鲜", "Early adopter", 0, 1),
            segment("novelty", "unknown", "未知", "Unknown", 40, 2),
        ],
    )
    write_parquet(
        folder / "dictionary.parquet",
        [
            {
                "scheme": "all",
                "kind": "scheme",
                "code": "value_tier",
                "label_zh": "价值分层",
                "label_en": "Value tiers",
                "sort_order": 1,
            }
        ],
    )
    write_parquet(
        folder / "quality_results.parquet",
        [verdict(gate, "rows_arrive") for gate in reading.GATES]
        + [verdict("landed", "usual_size", passed=False, strength="note", observed="2.4")],
    )
    model = {
        "churn_version": "churn-2018-01-01",
        "churn_definition": "no_order_90d",
        "model_status": "published",
        "model_status_label_zh": "已发布",
        "model_status_label_en": "Published",
        "base_rate": 0.25,
        "churn_cut": 0.66,
        "churn_cut_basis_label_zh": "默认",
        "churn_cut_basis_label_en": "Default",
    }
    write_parquet(
        folder / "churn_flag.parquet",
        [model | {"customer_id": f"C{number}", "flag_churn_risk": False} for number in range(40)],
    )
    write_parquet(
        folder / "churn_backtest.parquet",
        [
            backtest("2017-09-01", "blend", False, ap=0.9),
            backtest("2017-10-01", "level", True, ap=0.4),
            backtest("2017-10-01", "recency_days", True, ap=0.5),
            backtest("2017-10-01", "blend", False, ap=0.6),
            backtest("2017-10-01", "blend", False, ap=None),
            backtest("2017-11-01", "blend", False, ap=0.7, version="another"),
        ],
    )
    write_parquet(
        folder / "churn_drift.parquet",
        [
            {"status": "alert", "input_label_zh": "近期订单", "input_label_en": "Recent orders"},
            {"status": "note", "input_label_zh": "折扣", "input_label_en": "Discounts"},
        ],
    )
    files = {"segment_profile.parquet": "hash", "../../../secret.txt": "hash"}
    tables = {"segment_profile": {"rows": 2, "description": "One row per segment.", "columns": {}}}
    write_json(folder / "manifest.json", {"version": version, "tables": tables, "files": files})
    write_json(
        lake / "published" / "current.json",
        {"version": version, "as_of": "2018-01-01", "known_on": "2018-01-01", "pinned": False},
    )


def break_day(lake: Path) -> None:
    """The day after, stopped by its last gate over 130 customers."""
    gates = run_dir(lake, BAD_RUN) / "gates"
    write_json(lake / "runs" / f"{BAD}.claim.json", {"run_id": BAD_RUN})
    write_json(gates / "landed.json", [verdict("landed", "rows_arrive")])
    broken = {"passed": False, "observed": "0.97", "expected": "exactly 1.00", "failing_count": 130}
    write_json(gates / "published.json", [verdict("published", "shares_add_up", **broken)])
    write_parquet(
        gates / "published_failing_keys.parquet",
        [
            {
                "gate": "published",
                "promise": "shares_add_up",
                "subject": "published.table",
                "key": f"K{number:03d}",
            }
            for number in range(130)
        ],
    )
    (gates / "gates.html").write_text("<h1>gates</h1>")


@pytest.fixture(scope="module", autouse=True)
def airflow_database(tmp_path_factory):
    """A database of our own with the one table a log-in looks into: which tokens were revoked."""
    folder = tmp_path_factory.mktemp("database")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{folder}/airflow.db")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "of this test alone " * 4)
        connect_airflow()
        RevokedToken.__table__.create(settings.engine)
        yield
    connect_airflow()


def connect_airflow() -> None:
    settings.dispose_orm(do_log=False)
    settings.configure_vars()
    settings.configure_orm()


@pytest.fixture
def auth(monkeypatch, tmp_path_factory):
    """Airflow's own auth manager, with or without log-in."""

    def create(all_admins: bool):
        monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", str(all_admins))
        passwords = tmp_path_factory.mktemp("airflow") / "passwords.json"
        monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        return create_auth_manager()

    return create


def client_of(lake: Path, manager) -> TestClient:
    """The page as Airflow serves it: mounted below the root, behind the auth manager's middlewares."""
    root = FastAPI()
    root.state.auth_manager = manager
    for middleware, options in manager.get_fastapi_middlewares():
        root.add_middleware(middleware, **options)
    root.mount("/segmentation", pages.application(lake))
    return TestClient(root)


@pytest.fixture
def client(tmp_path: Path, auth) -> TestClient:
    publish(tmp_path)
    break_day(tmp_path)
    return client_of(tmp_path, auth(all_admins=True))


@pytest.mark.parametrize(
    "path",
    ["/", f"/days/{GOOD}", f"/days/{BAD}/report", f"/versions/{VERSION}/segment_profile.parquet", "/nowhere"],
)
def test_nobody_sees_anything_without_logging_in(tmp_path: Path, auth, path):
    publish(tmp_path)
    break_day(tmp_path)
    client = client_of(tmp_path, auth(all_admins=False))

    answers = [
        client.get(f"/segmentation{path}"),
        client.get(f"/segmentation{path}", headers={"Authorization": "Bearer nonsense"}),
        client.get(f"/segmentation{path}", headers={"Cookie": "_token=nonsense"}),
    ]

    refused = {404} if path == "/nowhere" else {401, 403}
    assert {answer.status_code for answer in answers} <= refused
    assert not any("Tier" in answer.text for answer in answers)


def test_a_user_whom_the_auth_manager_does_not_allow_is_refused(tmp_path: Path, auth, monkeypatch):
    manager = auth(all_admins=True)
    client = client_of(tmp_path, manager)
    monkeypatch.setattr(type(manager), "is_authorized_custom_view", lambda *_, **__: False)

    assert client.get("/segmentation/").status_code == 403


def test_all_admins_need_no_token(client):
    assert client.get("/segmentation/").status_code == 200


def test_the_overview_names_what_bi_sees_and_every_days_state(client):
    page = client.get("/segmentation/?lang=en").text

    assert VERSION in page
    assert page.index("2018-01-02</b>") < page.index("2018-01-01</b></a>"), "newest first"
    assert "BI sees this" in page
    assert 'class="tag broken">stopped' in page
    assert 'class="tag noted">with notes 1/2' in page


def test_a_broken_day_tells_promise_observed_wanted_and_a_hundred_keys(client):
    page = client.get(f"/segmentation/days/{BAD}?lang=zh").text

    assert "shares_add_up 中文" in page
    assert "0.97" in page
    assert "exactly 1.00" in page
    assert "没有发布任何内容" in page
    assert "<code>K099</code>" in page
    assert "K100" not in page
    assert "共 130 条，显示前 100 条" in page
    assert f"/segmentation/days/{BAD}/report" in page


def test_segments_are_shown_with_size_and_share_in_the_dictionarys_order(client):
    page = client.get(f"/segmentation/days/{GOOD}?lang=zh").text

    assert "价值分层" in page
    assert page.index(">A 级<") < page.index(">B 级<")
    assert "75.0 %" in page
    assert "25.0 %" in page


def test_the_model_in_force_is_shown_with_its_newest_backtest_beside_the_best_rule(client):
    page = " ".join(client.get(f"/segmentation/days/{GOOD}?lang=en").text.split())

    assert '<span class="tag passed">Published</span>' in page
    assert "churn-2018-01-01 · no_order_90d" in page
    assert "66.0 % (Default)" in page
    assert "<dt>Model: blend in English</dt><dd>AUC 0.700 · AP 0.600 · ECE 0.021 · 2017-10-01" in page
    assert "<dt>Best baseline: recency_days in English</dt><dd>AUC 0.600 · AP 0.500 · 2017-10-01" in page
    assert "<dt>Drifted inputs</dt><dd>Recent orders</dd>" in page
    assert "level in English" not in page


@pytest.mark.parametrize("rows", [None, []])
def test_a_day_without_a_churn_table_or_customer_shows_no_model(tmp_path: Path, auth, rows):
    publish(tmp_path)
    path = tmp_path / "published" / "versions" / VERSION / "churn_flag.parquet"
    empty = pq.read_table(path, partitioning=None).slice(0, 0)
    path.unlink()
    if rows is not None:
        pq.write_table(empty, path)

    page = client_of(tmp_path, auth(all_admins=True)).get(f"/segmentation/days/{GOOD}?lang=en")

    assert page.status_code == 200
    assert "Churn model" not in page.text


def test_what_is_in_the_data_stays_text(client):
    page = client.get(f"/segmentation/days/{GOOD}?lang=en").text

    assert "Tier &lt;B&gt;" in page
    assert "Tier <B>" not in page


def test_a_scheme_nobody_is_known_in_is_named_in_one_line(client):
    page = client.get(f"/segmentation/days/{GOOD}?lang=en").text

    assert "for want of an extract: novelty" in " ".join(page.split())
    assert "Early adopter" not in page


def test_the_browsers_language_is_used_until_another_is_asked_for(client):
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}

    assert '<html lang="zh-CN">' in client.get("/segmentation/", headers=chinese).text
    assert '<html lang="en">' in client.get("/segmentation/?lang=en", headers=chinese).text
    assert '<html lang="en">' in client.get("/segmentation/?lang=<script>").text


def test_an_empty_lake_says_so(tmp_path: Path, auth):
    answer = client_of(tmp_path / "none", auth(all_admins=True)).get("/segmentation/?lang=en")

    assert answer.status_code == 200
    assert "Nothing is published yet" in answer.text


def test_an_unknown_day_is_not_found(client):
    assert client.get("/segmentation/days/as_of=1999-01-01").status_code == 404


def test_a_pinned_version_is_marked(tmp_path: Path, auth):
    publish(tmp_path)
    pointer = tmp_path / "published" / "current.json"
    write_json(pointer, json.loads(pointer.read_text()) | {"pinned": True})

    page = client_of(tmp_path, auth(all_admins=True)).get("/segmentation/?lang=en").text

    assert "held by an operator" in page


def test_only_files_a_manifest_names_can_be_had(client, tmp_path: Path):
    (tmp_path / "secret.txt").write_text("secret")
    base = f"/segmentation/versions/{VERSION}"

    assert client.get(f"{base}/segment_profile.parquet").content[:4] == b"PAR1"
    assert client.get(f"{base}/quality_results.parquet").status_code == 404
    for escape in ("..%2F..%2F..%2Fsecret.txt", "%2Fetc%2Fpasswd"):
        assert client.get(f"{base}/{escape}").status_code == 404


def test_the_report_is_served_as_a_page(client):
    answer = client.get(f"/segmentation/days/{BAD}/report")

    assert answer.text == "<h1>gates</h1>"
    assert client.get(f"/segmentation/days/{GOOD}/report").status_code == 404


def test_the_report_is_the_runs_own_and_the_versions_where_the_run_is_gone(client, tmp_path: Path):
    folder = tmp_path / "published" / "versions" / VERSION
    (folder / "gates.html").write_text("<h1>published</h1>")
    link = f"/segmentation/days/{GOOD}/report"
    assert client.get(link).status_code == 404, "the manifest does not name it"

    contents = reading.manifest(tmp_path, VERSION)
    contents["files"]["gates.html"] = "hash"
    write_json(folder / "manifest.json", contents)
    assert client.get(link).text == "<h1>published</h1>"
    assert link in client.get(f"/segmentation/days/{GOOD}").text

    write_json(tmp_path / "runs" / f"{GOOD}.claim.json", {"run_id": "again"})
    (run_dir(tmp_path, "again") / "gates").mkdir(parents=True)
    assert client.get(link).text == "<h1>published</h1>", "the run's gates have not spoken yet"
    (run_dir(tmp_path, "again") / "gates" / "gates.html").write_text("<h1>run</h1>")
    assert client.get(link).text == "<h1>run</h1>"
    assert client.get(link).headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_page_loads_nothing_from_anywhere(client):
    page = client.get(f"/segmentation/days/{GOOD}").text

    assert not re.search(r"<link|<img|<iframe|src=|@import|url\(", page)
    assert "http" not in client.get("/segmentation/").text
    assert client.get("/segmentation/").headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_both_languages_have_every_text():
    assert texts.TEXTS["zh"].keys() == texts.TEXTS["en"].keys()


def test_airflow_imports_the_plugin_and_nothing_else():
    from airflow._shared.module_loading import find_path_from_directory

    found = (Path(path) for path in find_path_from_directory(str(PLUGINS), ".airflowignore", "glob"))

    assert [str(path.relative_to(PLUGINS)) for path in found if path.suffix == ".py"] == ["ui/plugin.py"]


def test_loading_the_plugin_loads_nothing_heavy():
    code = (
        "import sys, airflow.plugins_manager; before = set(sys.modules); import ui.plugin;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )

    added = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PLUGINS
    ).stdout.splitlines()[-1]

    # the timetable's own: the scheduler has them loaded anyway
    assert added == "['airflow', 'cron_descriptor', 'croniter', 'days', 'ui']"
