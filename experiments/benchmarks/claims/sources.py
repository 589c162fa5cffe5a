"""Where the claims are made."""

SLIDES = (
    "Siems, Zela and Hutter, NAS-Bench-1Shot1: Benchmarking and Dissecting One-Shot NAS, slides of "
    "7 November 2019"
)
SUPERNETS = (
    "Zhang, Zhang and Yang, How Does Supernet Help in Neural Architecture Search?, 2021, as "
    "published notes summarise it"
)
INSIGHTS = (
    "Zhang et al., Deeper Insights into Weight Sharing in Neural Architecture Search, 2020, "
    "abstract"
)
OPERATIONS = (
    "Lopes, Degardin and Alexandre, Are Neural Architecture Search Benchmarks Well Designed? A "
    "Deeper Look Into Operation Importance, 2023, abstract"
)
