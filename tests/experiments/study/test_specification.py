import dataclasses
from pathlib import Path

import pytest

from oneshot_hpo.experiments.errors import StudyFileError
from oneshot_hpo.experiments.grids.grid import load_grid
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.document import parse_overrides, shipped_studies
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study, validated
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SearchSettings


def refused(source: Path, *overrides: str) -> str:
    """The one line with which a study file is refused."""
    with pytest.raises(StudyFileError) as caught:
        complete(load_study(str(source), overrides), str(source))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_study_file_is_read_with_defaults(tiny_study: Path) -> None:
    spec = load_study(str(tiny_study))
    assert spec.name == "tiny"
    assert (spec.seed, spec.workers, spec.cluster.max_attempts) == (0, None, 3)
    assert spec.optimizer_settings.max_budget == 2
    assert spec.search_settings == SearchSettings(
        channels=2, stacks=2, cells_per_stack=1, batch_size=128, cutout_length=4
    )


def test_overrides_reach_keys_and_sections(tiny_study: Path) -> None:
    spec = load_study(
        str(tiny_study),
        ["seed=7", "search.weight_decay=1e-4", "cluster.max_attempts=1", "bohb.num_samples=8"],
    )
    assert spec.seed == 7
    assert spec.search_settings.weight_decay == 1e-4
    assert spec.search_settings.channels == 2
    assert spec.cluster.max_attempts == 1
    assert spec.cluster.threads == 1
    assert spec.optimizer_settings.num_samples == 8


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("serchear=darts", "unknown key 'serchear': did you mean searcher?"),
        ("cluster.thread=1", "unknown key 'thread' in section cluster: did you mean threads?"),
        ("search.chanels=1", "did you mean channels?"),
        ("search.stacks=5", "stacks: 5 of them halve an image 4 times"),
        ("bohb.num_sample=1", "unknown key 'num_sample' in section bohb: did you mean"),
        ("bohb.eta=3", "unknown key 'eta' in section bohb"),
        ("seed=one", "key 'seed' must be a whole number from 0, not 'one'"),
        ("seed=1.5", "key 'seed' must be a whole number from 0, not 1.5"),
        ("seed=true", "key 'seed' must be a whole number from 0, not True"),
        ("seed=-1", "key 'seed' must be a whole number from 0, not -1"),
        ("workers=0", "key 'workers' must be a whole number from 1"),
        ("cluster.threads=two", "key 'cluster.threads' must be a whole number from 1"),
        ("search=3", "key 'search' must be a section of keys, not 3"),
        ("search.channels=abc", "channels must be a whole number from 1 to 1,000,000, not 'abc'"),
        ("bohb.top_n_percent=abc", "top_n_percent must be a whole number from 1 to 99, not 'abc'"),
        ("name=a/b", "key 'name' must be letters"),
        ("min_budget=3", "min_budget must be at most max_budget (2), not 3"),
        ("min_budget=0", "a whole number of epochs from 1 to 1,000,000, not 0"),
        ("eta=1", "eta must be a number from 2, not 1"),
        ("eta=big", "key 'eta' must be a number from 2, not 'big'"),
        ("iterations=-1", "key 'iterations' must be a whole number from 0 to 1,000,000, not -1"),
        ("space=4", "not 4"),
        ("searcher=drats", "there are darts"),
        ("config_space=cs9", "choose one of cs1, cs2, cs3"),
        ("dataset=letters", "no data set 'letters'"),
        ("dataset=missing.npz", "missing.npz"),
        ("table=missing.npz", "missing.npz"),
        ("search.learning_rate=2.0", "the default of learning_rate must be a number in"),
    ],
)
def test_bad_input_is_refused_with_one_line(tiny_study: Path, override: str, message: str) -> None:
    line = refused(tiny_study, override)
    assert line.startswith(str(tiny_study))
    assert message in line


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "KEY=VALUE"),
        ("=1", "KEY=VALUE"),
        ("search.=1", "KEY=VALUE"),
        ("seed=[", "line 1"),
        ("min_budget.x=1", "min_budget is not a section"),
    ],
)
def test_a_bad_override_is_named(tiny_study: Path, override: str, message: str) -> None:
    line = refused(tiny_study, override)
    assert line.startswith(f"--set {override}")
    assert message in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lines of the form"),
        (b"- 1\n- 2", "lines of the form"),
        (b"space: [1", "line 1, column 10"),
        (b"space: 1\nspace: 1", "key 'space' is there twice"),
        (b"\xff\xfe", "not a text file in UTF-8"),
        (b"space: 1", "is missing"),
    ],
)
def test_a_file_that_is_no_study_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    line = refused(path)
    assert line.startswith(str(path))
    assert message in line


def test_a_missing_study_says_which_are_shipped(tmp_path: Path) -> None:
    for source in (tmp_path / "none.yaml", tmp_path):
        assert "there are ablation-cutout, " in refused(source)
        assert refused(source).endswith(", quickstart, quickstart-201")


def test_paths_are_taken_from_the_file_that_names_them(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = tmp_path / "sub" / "study.yaml"
    study.parent.mkdir()
    text = tiny_study.read_text().replace("dataset: digits", "dataset: images.npz")
    study.write_text(text)
    spec = load_study(str(study), ["table=tables/mine.npz"])
    assert spec.dataset == str(tmp_path / "sub" / "images.npz")
    assert spec.table == str(tmp_path / "tables" / "mine.npz")


def test_a_cutout_fits_the_images_unless_it_is_given(tiny_study: Path) -> None:
    text = tiny_study.read_text().replace(", cutout_length: 4", "")
    (tiny_study.parent / "plain.yaml").write_text(text)
    spec = complete(load_study(str(tiny_study.parent / "plain.yaml")), "plain.yaml")
    assert spec.search["cutout_length"] == 4  # half of 8 pixels


def test_a_frozen_specification_says_everything_and_is_a_study_file(
    tiny_study: Path, tmp_path: Path
) -> None:
    frozen = freeze(complete(load_study(str(tiny_study)), "tiny"))
    assert frozen.workers is not None
    assert frozen.versions["hpbandster"] == "0.7.4"
    assert set(frozen.search) == {field.name for field in dataclasses.fields(SearchSettings)}
    path = tmp_path / "frozen.yaml"
    path.write_text(dump_yaml(frozen.model_dump(mode="json")))
    assert load_study(str(path)) == frozen
    assert validated(frozen.model_dump(mode="json"), "journal") == frozen


def test_overrides_alone_make_a_document() -> None:
    document = parse_overrides(["search.channels=4", "search.momentum=0.5"])
    assert document == {"search": {"channels": 4, "momentum": 0.5}}


def test_shipped_studies_are_sound() -> None:
    single = [name for name in shipped_studies() if load_grid(name) is None]
    # tests/experiments/grids looks at the others
    assert single == ["cifar10-small", "quickstart", "quickstart-201"]
    for name in ("quickstart", "quickstart-201"):
        spec = load_study(name)
        assert isinstance(spec, StudySpec)
        assert spec.name == name
        assert complete(spec, spec.name).optimizer_settings.seed == spec.seed


def test_the_quickstarts_differ_in_space_and_table_alone() -> None:
    one, other = (
        load_study(name).model_dump(mode="json") for name in ("quickstart", "quickstart-201")
    )
    assert {key for key in one if one[key] != other[key]} == {"name", "space", "table"}
    assert complete(load_study("quickstart-201"), "here").space == "nasbench201"


def test_the_quickstart_has_its_size() -> None:
    from oneshot_hpo.hpo.brackets import planned_evaluations

    assert 20 <= 1 + planned_evaluations(load_study("quickstart").optimizer_settings) <= 60


@pytest.mark.parametrize(
    ("searcher", "own", "useless"),
    [
        ("darts", set(), set()),
        ("darts_second_order", {"hessian_epsilon"}, set()),
        ("pc_darts", {"warmup_share"}, set()),
        ("gdas", {"temperature_start", "temperature_end"}, set()),
        ("random_ws", {"ranked_cells"}, {"arch_learning_rate", "arch_weight_decay"}),
        ("single_path", {"mutation_prob"}, {"arch_learning_rate", "arch_weight_decay"}),
        ("enas", {"entropy_weight", "baseline_decay"}, {"arch_weight_decay"}),
        ("proxylessnas", set(), {"arch_weight_decay"}),
        ("drnas", set(), set()),
        ("snas", {"temperature_start", "temperature_end"}, set()),
        ("sdarts_rs", {"perturbation_end"}, set()),
        ("sdarts_adv", {"perturbation_end"}, set()),
        ("fairdarts", {"zero_one_weight"}, set()),
        (
            "ddpnas",
            {"distribution_momentum", "sharpness"},
            {"arch_learning_rate", "arch_weight_decay"},
        ),
        ("balenas", {"likelihood_images"}, set()),
    ],
)
def test_cs3_is_the_searchers(
    tiny_study: Path, searcher: str, own: set[str], useless: set[str]
) -> None:
    """A configuration from it is one that the searcher's settings take."""
    overrides = [f"searcher={searcher}", "config_space=cs3", "search.channels=4"]
    spec = complete(load_study(str(tiny_study), overrides), "tiny")
    space = spec.configuration_space()
    darts = complete(load_study(str(tiny_study), ["config_space=cs3"]), "tiny")
    assert set(space) == set(darts.configuration_space()) - useless | own
    default = spec.search_settings.with_config(dict(space.get_default_configuration()))
    assert default == spec.search_settings
    space.seed(0)
    for configuration in space.sample_configuration(20):
        spec.search_settings.with_config(dict(configuration))


def test_a_searchers_own_settings_are_settings_of_the_study(tiny_study: Path) -> None:
    spec = load_study(str(tiny_study), ["searcher=gdas", "search.temperature_start=5.0"])
    assert spec.search_settings.with_config({}) == settings_class("gdas")(
        channels=2,
        stacks=2,
        cells_per_stack=1,
        batch_size=128,
        cutout_length=4,
        temperature_start=5.0,
    )
    assert "temperature_start" in refused(tiny_study, "search.temperature_start=5.0")
    message = refused(tiny_study, "searcher=gdas", "search.temperature_start=-1")
    assert "temperature_start must be a number above 0" in message


def test_graphs_of_steps_that_differ_are_refused_at_launch(tiny_study: Path) -> None:
    message = refused(tiny_study, "searcher=gdas", "search.cuda_graphs=true")
    assert "search setting cuda_graphs must be false for gdas" in message
    assert load_study(str(tiny_study), ["search.cuda_graphs=true"]).search["cuda_graphs"] is True
