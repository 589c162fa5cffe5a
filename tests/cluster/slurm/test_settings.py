import pytest

from oneshot_hpo.cluster.slurm.settings import SlurmSettings, SlurmSettingsError


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("time", 14400, "time must be a time of SLURM in quotes"),
        ("time", "4 hours", "time of SLURM"),
        ("master_time", "1:99:00", "time of SLURM"),
        ("gres", "gpu:2", "a worker uses one"),
        ("gres", "shard", "a share of one, as mps:25 or shard:1"),
        ("gpus", "2", "a worker uses one"),
        ("partition", "gpu, cpu", "partition must be a word"),
        ("account", "a'b", "account must be a word"),
        ("memory", 16, "memory must be a word"),
        ("cpus", 0, "cpus must be a whole number from 1"),
        ("cpus", None, "cpus must be a whole number"),
        ("notice", True, "notice must be a whole number"),
        ("prologue", "module load cuda", "prologue must be a list of lines"),
        ("prologue", ["two\nlines"], "prologue must be a list of lines"),
        ("extra_directives", [""], "extra_directives must be a list"),
        ("constraint", 'a"b', "constraint must be features"),
        ("log_folder", "", "log_folder must be the path"),
        ("log_folder", "a\nb", "log_folder must be the path"),
        ("worker_interface", "$(id)", "worker_interface must be the name of a network interface"),
        ("worker_interface", "ib0;id", "the name of a network interface"),
        ("scheduler_interface", "-x", "the name of a network interface"),
        ("partition", "gpu`id`", "partition must be a word"),
        ("partition", "-o/home/me/.bashrc", "partition must be a word"),
        ("account", "a#b", "account must be a word"),
        ("qos", "a\\b", "qos must be a word"),
        ("memory", "16G\u2028x", "memory must be a word"),
        ("constraint", "a\\", "constraint must be features"),
        ("prologue", ["a\x1b[2J"], "prologue must be a list of lines"),
        ("extra_directives", ["a\rb"], "extra_directives must be a list of lines"),
        ("scratch_folder", "$(id)", r"a \$ stands for nothing but a variable"),
        ("scratch_folder", "`id`", "scratch_folder must be the path"),
        ("scratch_folder", "${A:-$(id)}", "scratch_folder must be the path"),
        ("scratch_folder", "$((1))", "scratch_folder must be the path"),
        ("scratch_folder", "/disk/$1", "scratch_folder must be the path"),
        ("scratch_folder", "a\nb", "scratch_folder must be the path"),
    ],
)
def test_an_invalid_setting_is_named(setting: str, value: object, message: str) -> None:
    with pytest.raises(SlurmSettingsError, match=message):
        SlurmSettings(**{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("time", ["30", "4:00:00", "90:00", "1-12", "2-00:30:00", "UNLIMITED"])
def test_times_are_those_of_slurm(time: str) -> None:
    assert SlurmSettings(time=time).time == time


@pytest.mark.parametrize(
    "gres", ["gpu", "gpu:1", "gpu:a100", "gpu:a100:1", "mps:25", "shard:a100:1", None]
)
def test_one_gpu_may_be_requested_in_any_form(gres: str | None) -> None:
    assert SlurmSettings(gres=gres).gres == gres


@pytest.mark.parametrize("folder", ["/disk", "$SCRATCH/a b", "${A}_$B/it's", 'a"b', "a\\b"])
def test_a_scratch_folder_has_the_variables_of_its_job(folder: str) -> None:
    assert SlurmSettings(scratch_folder=folder).scratch_folder == folder


def test_the_default_is_one_gpu_and_nothing_else() -> None:
    settings = SlurmSettings()
    assert settings.gres == "gpu:1"
    assert settings.prologue == settings.extra_directives == settings.skip_directives == []
