# SPDX-License-Identifier: Apache-2.0
"""The tables behind docs/results/iggan.md: their cells, what they say of the paper's claims, and the page."""

import json
import re
from pathlib import Path

import pytest

from scripts.iggan_tables.cells import Cell, all_cells
from scripts.iggan_tables.page import by_best_threshold, by_threshold_half, ordering, write_page
from scripts.studies.runner import Study
from scripts.studies.tables import Figures, table
from unrender.methods.voxel_gan.config.settings import load_config

CELLS = all_cells(2)


def chosen(table_name: str, row: str, column: str, seed: int = 0) -> Cell:
    (cell,) = (c for c in CELLS if (c.table, c.row, c.column, c.seed) == (table_name, row, column, seed))
    return cell


def test_every_cell_is_a_training_whose_settings_exist() -> None:
    assert [cell.seed for cell in CELLS] == sorted(cell.seed for cell in CELLS), "every first seed before any second"
    first = {cell.training: cell for cell in CELLS if cell.seed == 0}
    configs = {load_config("iggan-16", cell.settings) for cell in first.values()}
    assert len(configs) == len(first), "no two trainings of a seed are the same"
    assert not first.keys() & {cell.training for cell in CELLS if cell.seed == 1}
    second = load_config("iggan-16", chosen("methods", "IG-GAN", "chair 500", seed=1).settings)
    assert (second.seed, second.data.first_seed) == (1, 100_000), "other objects, too"


@pytest.mark.parametrize("column", ["chair 500", "bathtub 500"])
def test_rows_with_a_network_as_proxy_are_the_papers_recipe(column: str) -> None:
    shapes = column.split()[0]
    own = load_config("iggan-16", chosen("matching", "full", f"{shapes} continuous").settings)
    network = load_config("iggan-16", chosen("render_net", "full", column).settings)
    assert (own.proxy.kind, network.proxy.kind) == ("compositing", "render_net")
    assert network.proxy.gradient == own.proxy.gradient == "continuous"
    assert (network.generator, network.discriminator) == (own.generator, own.discriminator)
    frozen = load_config("iggan-16", chosen("render_net", "frozen, the same class", column).settings)
    assert (frozen.proxy.joint, list(frozen.proxy.pretrain_shapes)) == (False, [shapes])


def verdicts(found: dict[tuple[str, str, str], float]) -> dict[str, str]:
    figures: Figures = {chosen(*where).training: {"fid": fid} for where, fid in found.items()}
    lines = ordering(CELLS, figures, by_threshold_half("fid")).splitlines()[2:]
    return dict(line.strip("| ").split(" | ") for line in lines)


def test_claims_are_judged_by_the_figures() -> None:
    found = {("methods", "IG-GAN", f"{shapes} 500"): 10.0 for shapes in ("chair", "couch")}
    found |= {("methods", "visual hull", "chair 500"): 20.0, ("methods", "visual hull", "couch 500"): 5.0}
    found |= {("methods", "IG-GAN", "chair unlimited"): 8.0, ("methods", "visual hull", "chair unlimited"): 12.0}
    found |= {("matching", "full", "chair continuous"): 4.0, ("matching", "no DOM", "chair continuous"): 6.0}
    found |= {("proxy", "cubes", "chair trained on"): 11.0, ("proxy", "related class", "chair trained on"): 10.0}
    frozen = {"same class": 9.0, "related class": 13.0, "cubes": 12.0}
    found |= {("proxy", row, "chair frozen"): value for row, value in frozen.items()}
    said = verdicts(found)
    assert said["IG-GAN beats visual hull on every data set"] == "holds on 2 of 3; not on couch 500"
    assert said["IG-GAN beats 2D-DCGAN on every data set"] == "not run"
    assert said["The lead over visual hull, as a ratio, grows from unlimited to 500"] == "holds on 1 of 1", "1.5 to 2"
    assert said["Without DOM clearly worse, continuous gradients"] == "chair: 1.50 times the full recipe's"
    assert said["Pre-training on cubes within 15% of tables"] == "chair: +10%"
    assert said["A frozen proxy of cubes is worst"] == "chair: worst is related class"


def test_claims_compare_seeds_that_both_have() -> None:
    figures: Figures = {
        chosen("methods", "IG-GAN", "chair 500", seed).training: {"fid": 10.0 + seed} for seed in (0, 1)
    }
    figures[chosen("methods", "visual hull", "chair 500", 0).training] = {"fid": 10.4}
    said = ordering(CELLS, figures, by_threshold_half("fid"))
    assert "| IG-GAN beats visual hull on every data set | holds on 1 of 1 |" in said, "the mean of two seeds is 10.5"


def test_pictures_have_no_threshold_to_choose() -> None:
    assert by_best_threshold("fid")({"fid": 3.0}) == 3.0
    assert by_best_threshold("fid")({"fid": 3.0, "fid_best": 2.0}) == 2.0


def test_a_table_shows_what_was_run_and_names_the_rest() -> None:
    figures: Figures = {chosen("methods", "IG-GAN", "chair 500", seed).training: {"fid": 2.0 + seed} for seed in (0, 1)}
    figures[chosen("methods", "visual hull", "couch 500").training] = {"fid": 7.0}
    lines = table(CELLS, figures, "methods", by_threshold_half("fid"), 2).splitlines()
    assert lines[0] == "| | chair 500 | couch 500 |"
    assert lines[2:4] == ["| IG-GAN | 2.50 (2.00..3.00; 2) |  |", "| visual hull |  | 7.00 (one seed) |"]
    assert lines[-1].startswith("Not run: absorption only, emission-absorption, 2D-DCGAN, bathtub 500, ")
    del figures[chosen("methods", "IG-GAN", "chair 500", 1).training]
    alone = table(CELLS, figures, "methods", by_threshold_half("fid"), 2)
    assert "| IG-GAN | 2.00 |  |" in alone
    assert "\n\nOne seed each.\n" in alone
    assert table(CELLS, {}, "methods", by_threshold_half("fid")) == "Not run."


def test_figures_go_to_their_marks(tmp_path: Path) -> None:
    study = Study(tmp_path / "study", "iggan-16", 1600)
    study.folder.mkdir()
    line = {"training": chosen("render_net", "no DOM", "chair 500").training, "fid": 6.25}
    study.figures_path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    page = tmp_path / "page.md"
    places = ("render_net iggan-16-1600 fid", "methods iggan-16-1600 fid", "methods iggan-32-1600 fid")
    page.write_text("\n\n".join(f"<!-- {mark} -->\nold\n<!-- end -->" for mark in places), encoding="utf-8")
    write_page(study, CELLS, page)
    text = page.read_text(encoding="utf-8")
    assert "| no DOM | 6.25 |" in text
    assert "<!-- methods iggan-16-1600 fid -->\n\nNot run.\n" in text
    assert "<!-- methods iggan-32-1600 fid -->\nold\n" in text, "a mark of another scale"


def test_the_page_asks_for_what_there_is(checkout: Path) -> None:
    page = checkout / "docs" / "results" / "iggan.md"
    marks = re.findall(r"<!-- (\w[\w .-]*) -->\n.*?<!-- end -->", page.read_text(encoding="utf-8"), re.DOTALL)
    assert {mark.split()[0] for mark in marks} >= {"methods", "matching", "proxy", "options", "ordering"}
    assert {mark.split()[0] for mark in marks} <= {*(cell.table for cell in CELLS), "ordering", "sheets"}
