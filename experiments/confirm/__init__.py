"""The incumbent and the default of a study, searched again with fresh seeds."""
