import torch

from oneshot_hpo.searchers.data.batches import Batch, paired_batches


def numbered(count: int, offset: int) -> Batch:
    labels = torch.arange(count) + offset
    return Batch(labels.float()[:, None, None, None], labels)


def test_an_epoch_draws_full_batches_without_replacement():
    train, valid = numbered(23, 0), numbered(8, 100)
    pairs = list(paired_batches(train, valid, 5, torch.Generator().manual_seed(0)))
    assert [(len(a), len(b)) for a, b in pairs] == [(5, 5)] * 4
    seen = torch.cat([a.labels for a, _ in pairs])
    assert len(seen.unique()) == 20
    searched = torch.cat([b.labels for _, b in pairs])
    assert sorted(searched[:8].tolist()) == sorted(searched[8:16].tolist()) == list(range(100, 108))
    assert all(torch.equal(a.images.flatten(), a.labels.float()) for a, _ in pairs)


def test_fewer_images_than_a_batch_give_one_batch():
    pairs = list(paired_batches(numbered(7, 0), numbered(9, 0), 96, torch.Generator()))
    assert [(len(a), len(b)) for a, b in pairs] == [(7, 7)]


def test_the_order_changes_between_epochs_and_is_the_generators():
    train, valid = numbered(20, 0), numbered(20, 0)

    def epochs(seed):
        generator = torch.Generator().manual_seed(seed)
        return [
            torch.cat([a.labels for a, _ in paired_batches(train, valid, 5, generator)]).tolist()
            for _ in range(2)
        ]

    assert epochs(0) == epochs(0)
    assert epochs(0) != epochs(1)
    assert epochs(0)[0] != epochs(0)[1]
