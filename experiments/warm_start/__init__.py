"""New studies whose model begins with the results of other studies, or of HpBandSter runs."""
