import pytest
import torch
from torch.nn import functional as F

from oneshot_hpo.searchers.network.operations import average_3x3, average_3x3_of_padded


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("height", [1, 4, 7])
def test_averages_without_torchs_padding_are_those_with_it(height, stride):
    """What a GPU computes: values, gradient and memory format."""
    given = torch.rand(2, 3, height, 5, dtype=torch.float64)
    found = []
    for average in (average_3x3_of_padded, average_3x3):
        x = given.clone(memory_format=torch.channels_last).requires_grad_()
        y = average(x, stride)
        (y * torch.arange(y.numel()).view_as(y)).sum().backward()
        found.append((y, x.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert found[0][0].is_contiguous(memory_format=torch.channels_last)
    plain = F.avg_pool2d(given, 3, stride, padding=1, count_include_pad=False)
    assert torch.equal(found[1][0], plain)
