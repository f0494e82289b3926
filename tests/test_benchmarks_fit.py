"""The benchmark of reading FIT files measures something: two tiny files, no timing asserted."""

import gzip

from benchmarks.fit_reading import fit_figures, recording
from data.importers.fit import read


def test_fit_files_are_read_beside_their_unpacking() -> None:
    figures = fit_figures(pairs=1, files=2, records=60, fitdecode_pairs=1)
    assert [figure.goal for figure in figures] == [2.5, None, None, None]
    assert all(0 < figure.ratio < 10_000 and figure.beside and figure.name in figure.line for figure in figures)


def test_a_made_recording_is_as_large_as_the_goal_says_and_packs_like_a_real_one() -> None:
    content = recording(1)
    assert 75_000 < len(content) < 85_000
    assert 0.55 < len(gzip.compress(content)) / len(content) < 0.75
    assert content == recording(1) != recording(2)
    (run,) = read(content).runs
    assert (run.moving_time_s, run.doubtful, run.has_gps) == (2_799.0, False, True)
    assert run.utc_offset_s == -21_600
