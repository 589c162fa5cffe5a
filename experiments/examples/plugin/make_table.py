"""Trains each chain alone on digits, and prints the table: python make_table.py > trained.csv"""

import time

import torch
from torch.nn import functional as F

from chain_nas.space import SPACE
from chain_nas.supernet import supernet_of
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.settings import SearchSettings

DATA = load_dataset("digits")
TRAIN, VALID, TEST = (
    Batch(2 * batch.images - 1, batch.labels)
    for batch in (Batch.of(part, torch.device("cpu")) for part in (
        DATA.scratch_train, DATA.valid, DATA.test
    ))
)  # fmt: skip


def trained(chain, epochs: int, seed: int) -> list[float]:
    """Validation error, test error, seconds and parameters."""
    started, generator = time.process_time(), torch.Generator().manual_seed(seed)
    network = supernet_of(SPACE, DATA, SearchSettings(channels=8), generator)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    for _ in range(epochs):
        for rows in torch.randperm(len(TRAIN), generator=generator).split(50):
            batch = TRAIN.rows(rows)
            loss = F.cross_entropy(network(batch.images, Encoding.discrete(chain)), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    seconds = round(time.process_time() - started, 3)
    used = sum(weight.numel() for weight in network.parameters() if weight.grad is not None)
    network.keep_statistics(momentum=1.0)
    wrong = [network.wrong_labels([chain], [part], TRAIN.images).item() for part in (VALID, TEST)]
    errors = [round(count / len(part), 6) for count, part in zip(wrong, (VALID, TEST), strict=True)]
    return [*errors, seconds, used]


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("chain,epochs,seed,valid_error,test_error,seconds,parameters")
    for number in SPACE.unique.first:
        chain = SPACE.architecture(int(number))
        for epochs in (1, 3):
            for seed in (0, 1):
                numbers = trained(chain, epochs, seed)
                print(SPACE.key(chain), epochs, seed, *numbers, sep=",", flush=True)
