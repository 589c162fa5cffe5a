"""Which operations make cells good: `oneshot-hpo analyze operations`.

After Lopes, Degardin and Alexandre, "Are Neural Architecture Search Benchmarks Well Designed?"
(2023).
"""
