"""Decides which results of other studies and runs a new study's model begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.sources import UNUSABLE, Beginning, Source, Wanted, reasons
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.warm_start.adapting import Adapter, OutsideSpaceError
from oneshot_hpo.experiments.warm_start.offers import Offer, read_offer
from oneshot_hpo.experiments.warm_start.ranks import by_order
from oneshot_hpo.hpo import Observation
from oneshot_hpo.hpo.bohb.encoding import tuned_names
from oneshot_hpo.hpo.bohb.kde_model import can_be_fitted
from oneshot_hpo.hpo.brackets import rung_budgets

AS_PRIOR = "--as-prior"


@dataclass
class _Share:
    """What is taken of one offer."""

    offer: Offer
    order_only: bool
    observations: list[Observation] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def take_over(wanted: Wanted, spec: StudySpec) -> Beginning:
    """Read the sources and adapt their results to a study with this frozen specification.

    UserError: a source that cannot be read, is given twice, has no hyperparameter in common with
    the study, has losses that cannot be compared (without `as_prior`), or no result that fits.
    """
    offers = _offers(wanted, spec)
    space = spec.configuration_space()
    for offer in offers:
        _check_common(offer, tuned_names(space))
    shares = [_Share(offer, _is_order_only(offer, wanted)) for offer in offers]

    # Ranks lie below every budget at which there are losses, which are therefore taken first.
    below = float(rung_budgets(spec.optimizer_settings)[0])
    for share in sorted(shares, key=lambda share: share.order_only):
        _take(share, Adapter(space, share.offer.settings), spec.max_budget, below)
        if not share.order_only:
            below = min([below, *(one.budget for one in share.observations)])

    prior = [one for share in shares for one in share.observations]
    return Beginning(
        prior=prior,
        sources=[_record(share, Adapter(space, share.offer.settings)) for share in shares],
        notes=_notes(shares, prior, spec),
    )


def _offers(wanted: Wanted, spec: StudySpec) -> list[Offer]:
    """What the sources offer. UserError: one is given twice."""
    offers: list[Offer] = []
    seen: dict[str, Path] = {}
    for folder in wanted.folders:
        offer = read_offer(folder, spec, skip_bad=wanted.skip_bad, any_loss=wanted.as_prior)
        # A copy may lack results that came later; an export of a study has another identity.
        for key in (offer.identity, offer.checksum):
            if key in seen:
                raise UserError(
                    f"{folder}: it has the same results as {seen[key]}: name one of them"
                )
        seen |= {key: folder for key in (offer.identity, offer.checksum) if key is not None}
        offers.append(offer)
    return offers


def _check_common(offer: Offer, ours: frozenset[str]) -> None:
    """Raise UserError unless a hyperparameter is tuned in both."""
    if not offer.tuned & ours:
        theirs = ", ".join(sorted(offer.tuned)) or "nothing"
        raise UserError(
            f"{offer.folder}: it tuned {theirs}, the study tunes "
            f"{', '.join(sorted(ours)) or 'nothing'}: they have no hyperparameter in common"
        )


def _is_order_only(offer: Offer, wanted: Wanted) -> bool:
    """Whether only the order of its losses is taken. UserError: they cannot be compared."""
    if offer.incomparable and not wanted.as_prior:
        raise UserError(
            f"{offer.folder}: its losses cannot be compared with the study's "
            f"({'; '.join(offer.incomparable)}); {AS_PRIOR} takes their order alone"
        )
    # A run does not say what its losses are: without the option the user vouches for them.
    return wanted.as_prior and bool(offer.incomparable or offer.study is None)


def _take(share: _Share, adapter: Adapter, max_budget: float, below: float) -> None:
    """Take what fits of an offer, and count by reason what does not."""
    offer = share.offer
    share.left_out[UNUSABLE] += len(offer.unusable)
    results = by_order(offer.results, below) if share.order_only else offer.results
    for one in results:
        if one.budget > max_budget:
            share.left_out[f"at more than max_budget {max_budget:g}"] += 1
            continue
        try:
            config = adapter(one.config)
        except OutsideSpaceError as error:
            share.left_out[f"with {error}"] += 1
            continue
        share.observations.append(Observation(config, one.budget, one.loss))

    share.left_out += Counter()  # drops what is 0
    if all(one.loss is None for one in share.observations):
        raise UserError(
            f"{offer.folder}: none of its {len(offer.results)} results fits the study"
            + (f" ({reasons(share.left_out)})" if share.left_out else "")
        )


def _record(share: _Share, adapter: Adapter) -> Source:
    """What the journal keeps about a source."""
    offer, ours = share.offer, tuned_names(adapter.space)
    study = offer.study
    folder = offer.folder.resolve()
    lacking = sorted(ours - offer.tuned)
    return Source(
        kind="hpbandster" if study is None else "study",
        folder=str(folder),
        name=folder.name if study is None else study.name,
        title="" if study is None else study.spec.title,
        identity=offer.identity,
        checksum=offer.checksum,
        results=len(offer.results) + len(offer.unusable),
        taken=len(share.observations),
        left_out=dict(share.left_out),
        order_only=share.order_only,
        added={name: adapter.otherwise(name) for name in lacking if name in offer.settings},
        assumed={name: adapter.otherwise(name) for name in lacking if name not in offer.settings},
        removed=sorted(offer.tuned - ours),
        differs=[*offer.incomparable, *offer.differs],
        sources=list(offer.sources),
    )


def _notes(shares: Sequence[_Share], prior: Sequence[Observation], spec: StudySpec) -> list[str]:
    notes = [f"left out: {problem}" for share in shares for problem in share.offer.unusable]
    for share in shares:
        study = share.offer.study
        if study is not None and study.has_master:
            notes.append(f"note: {share.offer.folder} still runs: later results are not taken over")
        notes += _not_followed(share.offer, shares)

    dimensions = len(tuned_names(spec.configuration_space()))
    counts = Counter(one.budget for one in prior)
    settings = spec.optimizer_settings
    if not any(can_be_fitted(n, dimensions, settings) for n in counts.values()):
        notes.append(
            f"note: {max(counts.values())} results at one budget are too few for a model of "
            f"{dimensions} hyperparameters: the first proposals are random"
        )
    return notes


def _not_followed(offer: Offer, shares: Sequence[_Share]) -> list[str]:
    """A note if a source began with results of others, which are its own no more than the study's.

    They are not taken with it, so that a result never counts twice.
    """
    named = {share.offer.identity or share.offer.checksum for share in shares}
    others = [source.folder for source in offer.sources if source.key not in named]
    if not others:
        return []
    return [
        f"note: {offer.folder} itself began with results of {', '.join(others)}; they are not "
        "taken over unless --from names these too"
    ]
