"""The commands `oneshot-hpo analyze …`; they load what they need when they run."""
