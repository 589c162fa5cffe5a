"""`oneshot-hpo data`: NAS-Bench-101 and CIFAR-10 in the data folder."""
