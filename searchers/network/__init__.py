"""Networks of a search space: operations, cells, the supernet, many cells under one supernet."""
