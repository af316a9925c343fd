"""Artifacts: frozen, versioned by content, and one of them in force whatever the order of events."""

from datetime import date

import pytest

from storage import artifacts
from storage.artifacts import ArtifactAltered, ArtifactMissing
from storage.lake import Day

JANUARY = date(2018, 1, 1)
MID_JANUARY = Day.of(date(2018, 1, 17))
KIND = "cutpoints"


def save(lake, payload, valid_from=JANUARY):
    return artifacts.save(lake, KIND, valid_from, payload, "# Card of " + payload)


def state(lake):
    files = (path for path in lake.rglob("*") if path.is_file())
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_an_artifact_is_named_by_its_month_and_content(tmp_path):
    version = save(tmp_path, '{"r": [1, 2]}')
    assert version == "2018-01-01-" + artifacts._hash(b'{"r": [1, 2]}')
    assert sorted(state(tmp_path)) == [f"{version}.json", f"{version}.md", "first.json"]
    assert artifacts.load(tmp_path, KIND, version) == '{"r": [1, 2]}'


def test_saving_equal_content_again_touches_nothing(tmp_path):
    save(tmp_path, "{}")
    before = state(tmp_path)
    assert (
        artifacts.save(tmp_path, KIND, JANUARY, "{}", "# Another card")
        == artifacts.versions(tmp_path, KIND)[0]
    )
    assert state(tmp_path) == before


def test_other_content_is_added_and_not_in_force(tmp_path):
    # Enough of them that no order of names could put the first one first by luck.
    first, *others = (save(tmp_path, f'{{"n": {n}}}') for n in range(8))
    assert artifacts.in_force(tmp_path, KIND, MID_JANUARY) == (first, '{"n": 0}')
    assert artifacts.versions(tmp_path, KIND) == sorted([first, *others])


def test_a_promoted_artifact_is_in_force_for_its_month_only(tmp_path):
    save(tmp_path, '{"n": 1}')
    second, third = save(tmp_path, '{"n": 2}'), save(tmp_path, '{"n": 3}')
    february = save(tmp_path, "{}", date(2018, 2, 1))
    for version in (third, second):
        artifacts.promote(tmp_path, KIND, version)
    assert artifacts.in_force(tmp_path, KIND, MID_JANUARY) == (second, '{"n": 2}')
    assert artifacts.in_force(tmp_path, KIND, Day.of(date(2018, 2, 28)))[0] == february


def test_a_month_without_an_artifact_has_none_in_force(tmp_path):
    save(tmp_path, "{}")
    assert artifacts.in_force(tmp_path, KIND, Day.of(date(2018, 2, 1))) is None
    assert artifacts.in_force(tmp_path, "another", MID_JANUARY) is None


def test_of_two_that_fit_at_once_the_answer_once_given_stays(tmp_path, monkeypatch):
    sync = artifacts.place.sync
    answers = []

    def overtaken(path):
        sync(path)
        if (
            path.name.startswith(".first.json") and not answers
        ):  # ours is about to be linked: another is quicker
            answers.append("being asked")
            save(tmp_path, '{"n": 2}')
            answers[0] = artifacts.in_force(tmp_path, KIND, MID_JANUARY)

    monkeypatch.setattr(artifacts.place, "sync", overtaken)
    save(tmp_path, '{"n": 1}')
    assert answers[0][1] == '{"n": 2}'
    assert artifacts.in_force(tmp_path, KIND, MID_JANUARY) == answers[0]
    assert [path.name for path in tmp_path.rglob("*.tmp")] == []


def test_a_save_killed_before_it_was_first_is_finished_by_the_next(tmp_path):
    version = save(tmp_path, "{}")
    first = tmp_path / "artifacts" / KIND / "2018-01-01" / "first.json"
    first.unlink()
    assert artifacts.in_force(tmp_path, KIND, MID_JANUARY) is None
    save(tmp_path, "{}")
    assert artifacts.in_force(tmp_path, KIND, MID_JANUARY) == (version, "{}")


def test_an_edited_artifact_is_refused(tmp_path):
    version = save(tmp_path, '{"r": 1}')
    path = tmp_path / "artifacts" / KIND / "2018-01-01" / f"{version}.json"
    path.write_text('{"r": 2}')
    for read in (
        lambda: artifacts.load(tmp_path, KIND, version),
        lambda: artifacts.in_force(tmp_path, KIND, MID_JANUARY),
        lambda: artifacts.promote(tmp_path, KIND, version),
    ):
        with pytest.raises(ArtifactAltered, match=rf"was edited: .* its version says {version[-8:]}"):
            read()
    assert not path.with_name("promoted.json").exists()


def test_what_was_never_saved_cannot_be_promoted(tmp_path):
    with pytest.raises(ArtifactMissing, match="no cutpoints artifact 2018-01-01-00000000"):
        artifacts.promote(tmp_path, KIND, "2018-01-01-00000000")


def test_a_kind_may_have_a_folder_of_its_own_but_not_leave_it(tmp_path):
    version = artifacts.save(tmp_path, "cutpoints/0badcafe", JANUARY, "{}", "")
    assert artifacts.in_force(tmp_path, "cutpoints/0badcafe", MID_JANUARY) == (version, "{}")
    assert artifacts.in_force(tmp_path, "cutpoints", MID_JANUARY) is None
    assert artifacts.versions(tmp_path, "cutpoints") == []
    for kind, wanted in (("../up", version), ("cutpoints", "../" + version), ("", version)):
        with pytest.raises(ValueError, match="is no artifact"):
            artifacts.load(tmp_path, kind, wanted)


def test_only_json_that_holds_from_a_first_of_month_is_saved(tmp_path):
    with pytest.raises(ValueError, match="not from 2018-01-17"):
        save(tmp_path, "{}", MID_JANUARY.as_of)
    with pytest.raises(ValueError, match="Expecting"):
        save(tmp_path, "{r: 1}")
    assert list(tmp_path.rglob("*")) == []
