# SPDX-License-Identifier: Apache-2.0
"""Tables and curves of the gradient study from the records of its finished cells.

python scripts/gradient_study_page.py RUNS docs/results

Rewrites what stands between `<!-- NAME -->` and `<!-- end -->` in gradients.md, and the pictures in gradients/. The
words around the tables are written by hand.
"""

import argparse
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from gradient_study import EVERY_FOURTH, GRADIENTS, PROXIES, RECORD, SEEDS
from PIL import Image

from unrender.methods.voxel_gan.gradients.audit import PATHS
from unrender.training.charts import COLOURS, Chart, Series, panels

Record = dict[str, Any]
Group = tuple[str, str, str, str]  # scale, class, proxy, gradient
PATH_COLOURS = dict(zip(PATHS, COLOURS, strict=False))
BAND = "+band"
_TWO_ROWS = 132  # pixels of a sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("docs", type=Path)
    arguments = parser.parse_args()
    groups = read(arguments.runs)
    if not groups:
        parser.error(f"{arguments.runs} holds no finished cell")
    pictures = arguments.docs / "gradients"
    pictures.mkdir(parents=True, exist_ok=True)
    draw(groups, pictures)
    draw_samples(arguments.runs, pictures)
    blocks = {
        "kid": kid_table(groups),
        "audit": audit_table(groups),
        "bands": band_table(groups),
        "exact": exact_table(groups),
        "corrections": correction_table(groups),
        "missing": missing(groups),
    }
    page = arguments.docs / "gradients.md"
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        if begin:
            _, end, tail = rest.partition("<!-- end -->")
            text = f"{head}{begin}{block}\n{end}{tail}"
    page.write_text(text, encoding="utf-8")


def read(root: Path) -> dict[Group, list[Record]]:
    """Finished cells by everything but the seed."""
    groups: dict[Group, list[Record]] = defaultdict(list)
    for path in sorted(root.glob(f"*/*/*/*/seed*/{RECORD}")):
        record = json.loads(path.read_text(encoding="utf-8"))
        scale, shapes, proxy, gradient, _ = record["cell"].split("/")
        groups[scale, shapes, proxy, gradient].append(record)
    return dict(groups)


def kid_table(groups: dict[Group, list[Record]]) -> str:
    """KID at equal images and at equal seconds: those that the quickest cell of the table took."""
    parts = []
    for scale, shapes in sections(groups):
        cells = {key: records for key, records in groups.items() if key[:2] == (scale, shapes)}
        alive = [record for records in cells.values() for record in records if record["curve"]]
        seconds = min(record["curve"][-1]["cpu_seconds"] for record in alive)
        rows = []
        for proxy in PROXIES:
            for gradient in GRADIENTS:
                records = cells.get((scale, shapes, proxy, gradient), [])
                if not records:
                    continue
                step = [r["curve"][-1]["cpu_seconds"] / r["curve"][-1]["images"] * 1e3 for r in records if r["curve"]]
                rows.append(
                    [
                        proxy,
                        gradient,
                        len(records),
                        spread([last_kid(record) for record in records]),
                        spread([kid_at(record, seconds) for record in records]),
                        spread(step, 3),
                        spread([final(record, "grey_share") for record in records], 2),
                        spread([final(record, "proxy_psnr") for record in records], 3),
                    ]
                )
        head = ["proxy", "gradient", "seeds", "KID, all images", f"KID after {seconds:.0f} s", "CPU ms an image"]
        head += ["grey voxels", "proxy PSNR"]
        images = alive[0]["curve"][-1]["images"]
        parts.append(f"**{shapes}, {scale}** ({images} images):\n\n" + table(head, rows))
    return "\n\n".join(parts)


def audit_table(groups: dict[Group, list[Record]]) -> str:
    """Correlation, sign and slope of the path that a cell trains with, early and at the end."""
    rows = []
    for (scale, shapes, proxy, gradient), records in ordered(groups):
        path = gradient.partition(BAND)[0]
        row = [f"{shapes}, {scale}", proxy, gradient]
        for figure in ("correlation", "sign", "slope"):
            for index in (0, -1):
                audits = [record["audits"][index] for record in records if record["audits"]]
                row.append(spread([audit["paths"][path][figure]["all"] for audit in audits], 2))
        rows.append(row)
    head = ["data", "proxy", "gradient", "r, early", "r, end", "sign, early", "sign, end", "slope, early", "slope, end"]
    return table(head, rows)


def band_table(groups: dict[Group, list[Record]]) -> str:
    """By band, over all cells of a proxy at their end: where the signal is, and how right each path is there."""
    rows: list[list[str]] = []
    for scale, shapes, proxy in proxies(groups):
        records = [record for key, found in groups.items() if key[:3] == (scale, shapes, proxy) for record in found]
        audits = [record["audits"][-1] for record in records if record["audits"]]
        if not audits:
            continue
        edges = audits[0]["edges"]
        names = [f"{low:.2g} to {high:.2g}" for low, high in itertools.pairwise(edges)]
        names[0] = f"to {edges[1]:.2g}"
        if not rows:
            rows.append(["", "", "**x**", *names])
        share = np.mean([audit["share_of_signal"] for audit in audits], axis=0)
        rows.append([f"{shapes}, {scale}", proxy, "share of signal", *[f"{value:.2f}" for value in share]])
        for path in PATHS:
            by_band = zip(*[audit["paths"][path]["correlation"]["bands"] for audit in audits], strict=True)
            rows.append(["", "", f"r, {path}", *[spread(list(values), 2, False) for values in by_band]])
    return table(["data", "proxy", "", *[f"band {index}" for index in range(1, len(rows[0]) - 2)]], rows)


def exact_table(groups: dict[Group, list[Record]]) -> str:
    """Cosine with the exact gradient, voxel by voxel, over all cells of a proxy."""
    rows = []
    for scale, shapes, proxy in proxies(groups):
        found = exact_of(groups, (scale, shapes, proxy))
        if not found:
            continue
        for path in PATHS:
            plain = [exact[path] for exact in found]
            corrected = [exact[f"{path}+8 levels uniform"] for exact in found]
            gain = [after - before for before, after in zip(plain, corrected, strict=True)]
            better = sum(value > 0 for value in gain)
            rows.append(
                [f"{shapes}, {scale}", proxy, path, spread(plain), spread(corrected), f"{better} of {len(gain)}"]
            )
    return table(["data", "proxy", "path", "cosine", "with 8 bands", "better in"], rows)


def correction_table(groups: dict[Group, list[Record]]) -> str:
    """Mean change of that cosine by kind of bands, their number and how a band shares its correction."""
    found = [exact for key in proxies(groups) for exact in exact_of(groups, key)]
    if not found:
        return ""
    rows = []
    for kind in ("levels", "slope"):
        for share in ("uniform", "magnitude"):
            row: list[Any] = [kind, share]
            for bands in (4, 8, 16, 32):
                gains = [e[f"{path}+{bands} {kind} {share}"] - e[path] for e in found for path in PATHS]
                row.append(f"{np.mean(gains):+.3f}")
            rows.append(row)
    return table(["bands by", "share", "4 bands", "8 bands", "16 bands", "32 bands"], rows)


def missing(groups: dict[Group, list[Record]]) -> str:
    """What has fewer seeds than planned, or failed; by proxy where nothing of it was run."""
    lines = []
    for scale, shapes in sections(groups):
        if scale.endswith("-long"):
            continue  # chosen cells, no plan
        short = []
        for proxy in PROXIES:
            counts = {gradient: len(groups.get((scale, shapes, proxy, gradient), [])) for gradient in drawn()}
            if not any(counts.values()):
                short.append(f"{proxy} (nothing)")
            else:
                short += [f"{proxy} {gradient} ({n} of {SEEDS})" for gradient, n in counts.items() if n < SEEDS]
        lines.append(f"- {shapes}, {scale}: " + ("; ".join(short) if short else "all cells, all seeds"))
    failed = [record["cell"] for records in groups.values() for record in records if "failed" in record]
    lines.append(f"- not finite: {', '.join(failed) if failed else 'none'}")
    return "\n".join(lines)


def draw(groups: dict[Group, list[Record]], folder: Path) -> None:
    for scale, shapes in sections(groups):
        here = {key: records for key, records in groups.items() if key[:2] == (scale, shapes)}
        curves = []
        for x, label in (("images", "images"), ("cpu_seconds", "CPU seconds")):
            for proxy in PROXIES:
                chart = Chart(f"{shapes} {scale}, {proxy}", label, "KID", log_y=True)
                for gradient in drawn():
                    chart.series += curve(here.get((scale, shapes, proxy, gradient), []), gradient, x)
                curves.append(chart)
        used = [chart for chart in curves if chart.series]
        low = min(min(s.low or s.y) for c in used for s in c.series)
        high = max(max(s.high or s.y) for c in used for s in c.series)
        for chart in used:
            chart.y_range = (max(low, 1e-3) / 1.2, high * 8.0)  # room for the legend
        save(folder / f"kid_{shapes}_{scale}.png", panels(used, len(used) // 2))
        audits = []
        for figure in ("correlation", "sign"):
            for proxy in PROXIES:
                chart = Chart(f"{shapes} {scale}, {proxy}: {figure}", "images", "", y_range=(-1.0, 2.4))
                for gradient in drawn():
                    records = here.get((scale, shapes, proxy, gradient), [])
                    chart.series += audit_curve(records, gradient, figure)
                audits.append(chart)
        used = [chart for chart in audits if chart.series]
        save(folder / f"audit_{shapes}_{scale}.png", panels(used, len(used) // 2))


def draw_samples(runs: Path, folder: Path) -> None:
    """Two rows of samples of the first seed of every path: without correction on the left, with it on the right."""
    for proxy in PROXIES:
        rows = []
        for path in PATHS:
            sheets = [runs / "16/chair" / proxy / (path + band) / "seed0/samples.png" for band in ("", BAND)]
            if all(sheet.exists() for sheet in sheets):
                left, right = (np.asarray(Image.open(sheet))[:_TWO_ROWS] for sheet in sheets)
                rows.append(np.concatenate([left, np.full_like(left[:, :12], 255), right], axis=1))
                rows.append(np.full_like(rows[-1][:12], 255))
        if rows:
            save(folder / f"samples_{proxy}.png", np.concatenate(rows[:-1], axis=0))


def drawn() -> list[str]:
    """Curves of the others would hide one another; they stand in the tables."""
    return [gradient for gradient in GRADIENTS if not gradient.endswith(EVERY_FOURTH)]


def curve(records: list[Record], gradient: str, x: str) -> list[Series]:
    """Mean over seeds with the range between them as a shade."""
    path: Any = gradient.partition(BAND)[0]
    points = [[max(point["kid"], 1e-3) for point in record["curve"]] for record in records if record["curve"]]
    if not points:
        return []
    count = min(len(row) for row in points)
    kids = np.array([row[:count] for row in points])
    at = np.mean([[point[x] for point in record["curve"]][:count] for record in records if record["curve"]], axis=0)
    mean = np.exp(np.log(kids).mean(axis=0)).tolist()
    banded = BAND in gradient
    low, high = kids.min(axis=0).tolist(), kids.max(axis=0).tolist()
    return [Series(at.tolist(), mean, PATH_COLOURS[path], gradient, "line", low, high, banded)]


def audit_curve(records: list[Record], gradient: str, figure: str) -> list[Series]:
    path: Any = gradient.partition(BAND)[0]
    audited = [record["audits"] for record in records if record["audits"]]
    if not audited:
        return []
    values = np.array([[a["paths"][path][figure]["all"] for a in audits] for audits in audited], dtype=float)
    images = [float(a["images"]) for a in audited[0]]
    mean = np.nanmean(values, axis=0).tolist()
    return [Series(images, mean, PATH_COLOURS[path], gradient, "line", None, None, BAND in gradient)]


def last_kid(record: Record) -> float:
    """Geometric mean of the last two evaluations: one alone moves by a third."""
    kids = [max(point["kid"], 1e-3) for point in record["curve"][-2:]]
    return float(np.exp(np.mean(np.log(kids)))) if kids else math.nan


def kid_at(record: Record, seconds: float) -> float:
    """KID at a time, between two evaluations by interpolation of its logarithm."""
    curve = record["curve"]
    if not curve or curve[0]["cpu_seconds"] > seconds * 1.02:
        return math.nan
    times = [point["cpu_seconds"] for point in curve]
    return float(np.exp(np.interp(seconds, times, [math.log(max(point["kid"], 1e-3)) for point in curve])))


def final(record: Record, name: str) -> float:
    return float(record["curve"][-1].get(name, math.nan)) if record["curve"] else math.nan


def exact_of(groups: dict[Group, list[Record]], key: tuple[str, str, str]) -> list[dict[str, float]]:
    return [record["exact"] for k, records in groups.items() if k[:3] == key for record in records if "exact" in record]


def sections(groups: Iterable[Group]) -> list[tuple[str, str]]:
    return sorted({(scale, shapes) for scale, shapes, _, _ in groups}, key=lambda s: (s[0], s[1] != "chair"))


def proxies(groups: Iterable[Group]) -> list[tuple[str, str, str]]:
    present = {key[:3] for key in groups}
    return [(*section, proxy) for section in sections(groups) for proxy in PROXIES if (*section, proxy) in present]


def ordered(groups: dict[Group, list[Record]]) -> list[tuple[Group, list[Record]]]:
    places = [
        (*section, proxy, gradient) for section in sections(groups) for proxy in PROXIES for gradient in GRADIENTS
    ]
    return [(key, groups[key]) for key in places if key in groups]


def spread(values: list[Any], digits: int = 3, deviation: bool = True) -> str:
    """Mean and standard deviation over what is defined."""
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    if not known:
        return "-"
    if len(known) == 1 or not deviation:
        return f"{np.mean(known):.{digits}g}"
    return f"{np.mean(known):.{digits}g} ± {np.std(known, ddof=1):.2g}"


def table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def save(path: Path, picture: Any) -> None:
    Image.fromarray(picture).save(path, optimize=True)


if __name__ == "__main__":
    main()
