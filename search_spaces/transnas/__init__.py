"""TransNAS-Bench-101 (Duan et al., CVPR 2021): two search spaces, seven tasks."""
