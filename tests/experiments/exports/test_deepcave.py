"""What DeepCAVE's BOHB reader asks of an export; it cannot be installed beside us (Python 3.10)."""

from pathlib import Path

from ConfigSpace import Configuration, ConfigurationSpace
from hpbandster.core.result import logged_results_to_HBS_result

from oneshot_hpo.experiments.exports.deepcave import write
from oneshot_hpo.experiments.study.opened import OpenedStudy


def test_each_run_has_what_the_reader_takes(told: OpenedStudy, tmp_path: Path) -> None:
    """As BOHBRun.from_path of DeepCAVE 1.4.1 reads: the same files, the same attributes."""
    write(told, tmp_path)
    space = ConfigurationSpace.from_json(tmp_path / "configspace.json")
    read = logged_results_to_HBS_result(str(tmp_path))
    configs = read.get_id2config_mapping()
    results = {(trial.id, trial.budget): result for trial, result in told.view.evaluations}
    runs = read.get_all_runs()
    assert len(runs) == len(results)
    begin = runs[0].time_stamps["started"]
    for run in runs:
        result = results[run.config_id, run.budget]
        Configuration(space, values=configs[run.config_id]["config"])
        assert run.info["state"] == ("CRASHED" if result.crashed else "SUCCESS")
        assert run.loss == result.loss
        assert 0 <= run.time_stamps["started"] - begin <= run.time_stamps["finished"] - begin
