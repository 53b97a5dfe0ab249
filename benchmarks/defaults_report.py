"""The results of `defaults.py` as Markdown.

`found` has one record for each table and kind of features, with the scores of every contender. The
first contender is LogisticRegression, the one that the others are compared with, and the second is
the default.
"""

import numpy as np
from tables import aligned


def column(records, contender, score):
    """Return a score of a contender, one for each record."""
    return np.array([record["scores"][contender][score] for record in records])


def beside(records, contender, score):
    """Return the scores of a contender minus LogisticRegression's."""
    baseline, *_ = records[0]["scores"]
    return column(records, contender, score) - column(records, baseline, score)


def by_features(found):
    """Yield each kind of features and its records."""
    for features in ("standardised", "raw"):
        yield features, [record for record in found if record["features"] == features]


def parts(records):
    """Yield the name and the records of each part of the tables."""
    yield "choice", [record for record in records if not record["held out"]]
    yield "held out", [record for record in records if record["held out"]]
    yield "all", records


def comparison(found):
    """Return a table of mean scores."""
    head = (
        "features, tables", "classifier", "accuracy, %", "log loss", "Brier score",
        "more : less accurate", "better : worse Brier score",
    )  # fmt: skip
    rows = []
    for features, records in by_features(found):
        for part, chosen in parts(records):
            baseline, *others = chosen[0]["scores"]
            for name in (baseline, *others):
                row = [f"{features}, {part} ({len(chosen)})", name]
                for score, digits in (("accuracy", 2), ("log loss", 3), ("brier", 2)):
                    row.append(f"{column(chosen, name, score).mean():.{digits}f}")
                gain, excess = (beside(chosen, name, score) for score in ("accuracy", "brier"))
                counts = (gain > 1.0, gain < -1.0, excess < 0.0, excess > 0.0)
                wins, losses, better, worse = (count.sum() for count in counts)
                is_other = name != baseline
                row += [f"{wins} : {losses}", f"{better} : {worse}"] if is_other else ["", ""]
                rows.append(row)
    return aligned(head, rows)


def times(found):
    """Return a table of times, divided by LogisticRegression's."""
    head = ("features", "ratio of times", "sum", "lower quartile", "median", "upper quartile")
    rows = []
    for features, records in by_features(found):
        baseline, *others = records[0]["scores"]
        its = column(records, baseline, "seconds")
        for name in others:
            ours = column(records, name, "seconds")
            ratios = (ours.sum() / its.sum(), *np.quantile(ours / its, (0.25, 0.5, 0.75)))
            rows.append([features, name, *(f"{ratio:.2f}" for ratio in ratios)])
    return aligned(head, rows)


def exceptions(found):
    """Return lists of the tables in which the default is ahead or behind by more than a point."""
    lines = []
    for features, records in by_features(found):
        _, default, *_ = records[0]["scores"]
        gain, excess = (beside(records, default, score) for score in ("accuracy", "brier"))
        for text, points in (
            ("less accurate", -gain),
            ("more accurate", gain),
            ("worse Brier score", excess),
            ("better Brier score", -excess),
        ):
            names = [
                f"{record['table']}{'*' if record['held out'] else ''} {size:.1f}"
                for size, record in sorted(zip(points, records, strict=True), key=lambda p: -p[0])
                if size > 1.0
            ]
            lines.append(f"- {features}, {text}: {', '.join(names) or 'none'}.")
    return "\n".join(lines)


def alphas(found):
    """Return a table of mean accuracies and Brier scores, by the number of classes."""
    groups = {
        f"{part}, {classes}": [r for r in records if (r["classes"] == 2) == is_two]
        for part, records in parts(found)
        if part != "all"
        for classes, is_two in (("2 classes", True), ("3 to 32", False))
    }
    rows = []
    for features, _ in by_features(found):
        chosen = {
            name: [record for record in records if record["features"] == features]
            for name, records in groups.items()
        }
        for contender in found[0]["scores"]:
            row = [features, contender]
            for records in chosen.values():
                means = (column(records, contender, s).mean() for s in ("accuracy", "brier"))
                row.append(", ".join(f"{mean:.2f}" for mean in means))
            rows.append(row)
    return aligned(("features", "accuracy in %, Brier score", *groups), rows)


def tols(found):
    """Return a table of excess costs and steps, beside the tightest tolerance of the same loss."""
    head = (
        "features", "tol", "excess cost, %: mean", "largest", "steps: median", "90th percentile",
        "sum of times, s", "accuracy differs",
    )  # fmt: skip
    rows = []
    for features, records in by_features(found):
        *_, tightest = records[0]["scores"]
        for name in records[0]["scores"]:
            tight = name.split(",")[0] + "," + tightest.split(",")[1]
            excess = 100 * (column(records, name, "cost") / column(records, tight, "cost") - 1)
            steps = column(records, name, "steps")
            change = column(records, name, "accuracy") - column(records, tight, "accuracy")
            rows.append([
                features, name, f"{excess.mean():.2g}", f"{excess.max():.2g}",
                f"{np.median(steps):.0f}", f"{np.quantile(steps, 0.9):.0f}",
                f"{column(records, name, 'seconds').sum():.2f}", str(np.sum(abs(change) > 0.5)),
            ])  # fmt: skip
    return aligned(head, rows)


REPORTS = {"defaults": (comparison, times, exceptions), "alphas": (alphas,), "tols": (tols,)}
