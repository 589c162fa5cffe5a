"""Restates parts of github.com/xiangning-chen/SmoothDARTS."""


def authors_clip(rows):
    """`Network.clip` of the authors' code."""
    rows = rows.clone()
    for line in rows:
        largest = line.argmax()
        line.clamp_(0, 1)
        if line.sum() == 0.0:
            line[largest] = 1.0
        line.div_(line.sum())
    return rows
