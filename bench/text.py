"""Sentiment of free text: how well and how fast, beside a plain TF-IDF with logistic regression.

    python bench/text.py FOLDER [--skip-baseline]

FOLDER holds the real data sets under the names tests/real_data.py knows (chinese_reviews/, olist/); those
that are absent are left out. One line of JSON per data set and reader: texts learned from and scored, AUC,
seconds of fitting, texts a second of CPU time, peak memory of the process so far; and the ratio of the
speeds and the difference of the AUC.

In-domain: a stratified fifth is held out, three times over (scikit-learn's train_test_split, random_state 0
to 2): one fifth of the smallest set moves the AUC by .005 either way. Unseen domain: nothing of the domain
scored was learned from: meals are scored by what online shopping taught and the other way round, and each
category of online shopping by the other nine. The baseline is TfidfVectorizer(analyzer="char",
ngram_range=(1, 3), sublinear_tf=True, min_df=2) with LogisticRegression(C=4).
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # one core, before numpy is there
    os.environ[name] = "1"

import argparse  # noqa: E402 - after the limit above
import csv  # noqa: E402
import gzip  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import zipfile  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from pipeline import feedback_text  # noqa: E402

SPLITS = 3


def waimai(folder: Path) -> tuple[list[str], np.ndarray]:
    """Meal deliveries, Chinese: texts, and whether each was rated good."""
    path = folder / "chinese_reviews" / "waimai_10k.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["review"] for row in rows], np.array([row["label"] == "1" for row in rows])


def shopping(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Ten categories of online shopping, Chinese: texts, ratings, categories."""
    with zipfile.ZipFile(folder / "chinese_reviews" / "online_shopping_10_cats.zip") as archive:
        text = archive.read("online_shopping_10_cats.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return (
        [row["review"] for row in rows],
        np.array([row["label"] == "1" for row in rows]),
        np.array([row["cat"] for row in rows]),
    )


def olist(folder: Path) -> tuple[list[str], np.ndarray]:
    """A Brazilian marketplace, Portuguese: 1 and 2 stars against 4 and 5."""
    path = folder / "olist" / "olist_order_reviews_dataset.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["review_comment_message"].strip()]
    rows = [row for row in rows if row["review_score"] in "1245"]
    return [row["review_comment_message"] for row in rows], np.array(
        [row["review_score"] in "45" for row in rows]
    )


def ours(texts: list[str], good: np.ndarray, scored: list[str]) -> tuple[np.ndarray, float, float]:
    """Scores, CPU seconds of learning, CPU seconds of scoring; unknown counts as undecided."""
    start = time.process_time()
    model = feedback_text.learn(texts, np.where(good, 5, 1).tolist())
    learned = time.process_time() - start
    model = type(model).from_json(model.to_json())
    model.score(scored[:10])  # tables are made once
    start = time.process_time()
    scores = model.score(scored)
    return np.nan_to_num(scores, nan=0.5), learned, time.process_time() - start


def listed(texts: list[str], good: np.ndarray, scored: list[str]) -> tuple[np.ndarray, float, float]:
    """The shipped words alone, nothing learned."""
    return ours([], np.array([], dtype=bool), scored)


def baseline(texts: list[str], good: np.ndarray, scored: list[str]) -> tuple[np.ndarray, float, float]:
    """A plain character n-gram TF-IDF with logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    start = time.process_time()
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    regression = LogisticRegression(C=4, max_iter=300).fit(vectors.fit_transform(texts), good)
    learned = time.process_time() - start
    start = time.process_time()
    scores = regression.decision_function(vectors.transform(scored))
    return scores, learned, time.process_time() - start


def cases(folder: Path) -> list[tuple[str, list[str], np.ndarray, list[str], np.ndarray]]:
    """(name, texts to learn from, their ratings, texts to score, their ratings) of what is in the folder."""
    from sklearn.model_selection import train_test_split

    found = []
    has_chinese = (folder / "chinese_reviews").exists()
    sets = {"waimai_10k": waimai, "online_shopping_10_cats": lambda f: shopping(f)[:2]} if has_chinese else {}
    sets |= {"olist": olist} if (folder / "olist").exists() else {}
    for name, load in sets.items():
        texts, good = load(folder)
        for split in range(SPLITS):
            learn, score, *sides = train_test_split(
                texts, good, test_size=0.2, stratify=good, random_state=split
            )
            found.append((f"{name}, split {split}", learn, sides[0], score, sides[1]))
    if has_chinese:
        meals, shop = waimai(folder), shopping(folder)
        found.append(("unseen: learned from waimai_10k, scored online_shopping_10_cats", *meals, *shop[:2]))
        found.append(("unseen: learned from online_shopping_10_cats, scored waimai_10k", *shop[:2], *meals))
        texts, good, category = shop
        for each in sorted(set(category.tolist())):
            at = category == each
            found.append(
                (
                    f"unseen: {each}, learned from the other nine",
                    [text for text, out in zip(texts, at, strict=True) if not out],
                    good[~at],
                    [text for text, out in zip(texts, at, strict=True) if out],
                    good[at],
                )
            )
    return found


def main(folder: Path, skip_baseline: bool) -> None:
    """Measure and print, one line of JSON per case and reader."""
    from sklearn.metrics import roc_auc_score

    readers = {"ours": ours, "listed words alone": listed} | ({} if skip_baseline else {"baseline": baseline})
    for case, texts, good, scored, truth in cases(folder):
        by_reader = {}
        for reader, run in readers.items():
            scores, learned, took = run(texts, good, scored)
            line = {
                "case": case,
                "reader": reader,
                "learned_from": len(texts) if reader != "listed words alone" else 0,
                "scored": len(scored),
                "auc": round(float(roc_auc_score(truth, scores)), 4),
                "fit_cpu_s": round(learned, 1),
                "texts_per_cpu_s": round(len(scored) / took),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            }
            by_reader[reader] = line
            print(json.dumps(line, ensure_ascii=False), flush=True)
        if "baseline" in by_reader:
            ours_, plain = by_reader["ours"], by_reader["baseline"]
            ratio = {
                "case": case,
                "auc_above_baseline": round(ours_["auc"] - plain["auc"], 4),
                "times_as_fast": round(ours_["texts_per_cpu_s"] / plain["texts_per_cpu_s"], 1),
            }
            print(json.dumps(ratio, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the folder of the real data sets")
    parser.add_argument("--skip-baseline", action="store_true", help="measure this project's reader alone")
    options = parser.parse_args()
    main(options.folder, options.skip_baseline)
