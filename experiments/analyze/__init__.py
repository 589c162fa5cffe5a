"""What supernets and benchmarks are like: `oneshot-hpo analyze`."""
