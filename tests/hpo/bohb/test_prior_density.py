import numpy as np
import pytest
from support.toy_study import mixed_space

from oneshot_hpo.hpo import InvalidSettings
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.prior_density import PriorDensity
from oneshot_hpo.hpo.user_prior import UserPrior

NUMBER, CATEGORY = np.array([0]), np.array([3])


def one(centre: float, width: float, levels: np.ndarray) -> PriorDensity:
    return PriorDensity(np.array([centre]), np.array([width]), levels)


@pytest.mark.parametrize(
    ("centre", "width"), [(0.5, 0.125), (0.0, 0.25), (0.9, 1.0), (0.3, np.inf)]
)
def test_a_numbers_density_adds_up_and_is_drawn_from(centre: float, width: float) -> None:
    density = one(centre, width, NUMBER)
    grid = (np.arange(2000) + 0.5) / 2000
    values = np.exp(density.log_density(grid[:, None]))
    assert values.mean() == pytest.approx(1, abs=1e-4)

    rng = np.random.default_rng(0)
    drawn = np.array([density.draw(rng)[0] for _ in range(2000)])
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert drawn.mean() == pytest.approx((grid * values).mean(), abs=0.03)
    assert np.argmax(values) == (pytest.approx(2000 * centre, abs=1) if np.isfinite(width) else 0)


@pytest.mark.parametrize(
    ("width", "expected"), [(0.25, 1 - 0.25 * 2 / 3), (1.0, 1 / 3), (np.inf, 1 / 3)]
)
def test_a_category_prefers_its_centre(width: float, expected: float) -> None:
    density = one(2, width, CATEGORY)
    values = np.exp(density.log_density(np.array([[0.0], [1.0], [2.0]])))
    assert values == pytest.approx([(1 - expected) / 2] * 2 + [expected])

    rng = np.random.default_rng(1)
    drawn = np.array([density.draw(rng)[0] for _ in range(3000)])
    assert set(drawn) == {0.0, 1.0, 2.0}
    assert (drawn == 2).mean() == pytest.approx(expected, abs=0.03)


def test_inactive_hyperparameters_count_for_nothing() -> None:
    density = PriorDensity(np.array([0.5, 0.5]), np.array([0.1, 0.1]), np.zeros(2, np.int64))
    points = np.array([[0.5, np.nan], [0.5, 0.5]])
    alone = one(0.5, 0.1, NUMBER).log_density(np.array([[0.5]]))[0]
    assert density.log_density(points) == pytest.approx([alone, 2 * alone])


def test_a_users_prior_is_around_the_default_and_the_values_given() -> None:
    encoding = Encoding(mixed_space())
    prior = UserPrior(width=0.25, values={"rate": 0.01, "width": 64}, widths={"rate": 0.05})
    density = PriorDensity.of(prior, encoding)
    default = dict(encoding.space.get_default_configuration())

    centre = encoding.encode(default | {"rate": 0.01, "width": 64})
    rng = np.random.default_rng(2)
    others = np.array(
        [encoding.encode(dict(encoding.space.sample_configuration())) for _ in rng.random(50)]
    )
    assert (density.log_density(others) <= density.log_density(centre[None])).all()
    rates = [encoding.decode(density.draw(rng))["rate"] for _ in range(200)]
    assert np.median(rates) == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ({"values": {"rates": 1}}, "unknown hyperparameter rates"),
        ({"widths": {"depth": 0.1}}, "unknown hyperparameter depth"),
        ({"values": {"rate": 7.0}}, "rate cannot be 7.0"),
        ({"values": {"optimizer": "rmsprop"}}, "optimizer cannot be 'rmsprop'"),
        ({"values": {"optimizer": ["sgd"]}}, "optimizer cannot be"),
    ],
)
def test_a_prior_has_to_fit_the_space(prior: dict, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        PriorDensity.of(UserPrior(**prior), Encoding(mixed_space()))
