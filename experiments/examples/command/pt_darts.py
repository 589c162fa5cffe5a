"""The search of github.com/khanrc/pt.darts, its files unchanged, on a processor and few images."""

import copy
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import torch
from torch.utils.data import DataLoader, TensorDataset

from oneshot_hpo.searchers.data.datasets import load_dataset

repository, cifar, images, folder, *options = sys.argv[1:]
for name in ("torchvision.datasets", "torchvision.transforms", "torchvision", "tensorboardX"):
    sys.modules[name] = sys.modules["visualize"] = MagicMock()  # downloads, logs and drawings
sys.path.insert(0, repository)
sys.argv = ["search.py", "--name", folder, "--dataset", "cifar10", *options]
search: Any = import_module("search")  # it reads its options from sys.argv
data = load_dataset(cifar)  # reads pickles without running anything in them
best: dict[str, Any] = {"error": 1.0}


def load(part: Any) -> TensorDataset:
    part = part.between(0, int(images))
    return TensorDataset((torch.tensor(part.images) - 0.47) / 0.25, torch.tensor(part.labels))


def shares(output: torch.Tensor, target: torch.Tensor, topk: tuple[int, ...]) -> list[torch.Tensor]:
    hits = output.topk(max(topk), 1)[1] == target[:, None]
    return [hits[:, :k].any(1).float().mean() for k in topk]


def keep(model: torch.nn.Module, path: str, is_best: bool) -> None:
    if is_best:
        best["model"] = copy.deepcopy(model)


def noted(*arguments: Any) -> float:
    accuracy: float = validate(*arguments)
    best["error"] = min(best["error"], 1 - accuracy)
    return accuracy


torch.cuda.set_device = lambda device: None
validate, search.validate, search.device = search.validate, noted, torch.device("cpu")
search.utils.accuracy, search.utils.save_checkpoint = shares, keep
search.utils.get_data = lambda *_, **__: (32, 3, 10, load(data.supernet_train))
search.main()
test_error = 1 - validate(DataLoader(load(data.test), batch_size=32), best["model"], 0, 0)
result = {"validation_error": best["error"], "test_error": test_error}
Path(folder, "result.json").write_text(json.dumps(result))
