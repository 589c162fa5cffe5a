# %% [markdown]
# # A study from Python
#
# What the command line does, a program or a notebook can do. This one launches a tiny study on
# scikit-learn's digits, looks at it, repeats its result with fresh seeds, and asks whether tuning
# helped. It takes a few seconds; its searches are too small to find anything.

# %%
import oneshot_hpo

# %% [markdown]
# ## Launch, or resume
#
# `launch` runs a study to its end. `settings` overrides keys of the study file. After Ctrl-C, a
# crash or a kill, `resume("runs/first")` continues it. `show_progress=True` prints how far it is.

# %%
study = oneshot_hpo.launch(
    "quickstart",
    "runs/first",
    settings={
        "seed": 2,
        "iterations": 1,
        "min_budget": 1,
        "max_budget": 2,
        "search": {"channels": 2, "stacks": 1, "batch_size": 128},
    },
    workers=1,
)
print(study.name, "is", study.state)

# %% [markdown]
# ## Trials and epochs as pandas frames
#
# `open_study` opens any study, also one that runs at this moment.

# %%
study = oneshot_hpo.open_study("runs/first")
trials = study.trials_frame()
print(trials[["id", "budget", "state", "config.learning_rate", "valid_error", "regret"]])

# %%
epochs = study.epochs_frame()
print(epochs[["id", "budget", "epoch", "train_loss", "valid_error"]])

# %% [markdown]
# ## Confirm and compare
#
# `confirm` repeats the tuned configuration and the default with fresh seeds; ten are usual.
# `compare` says what these show: a ratio above 1 means that the first one has less regret.

# %%
oneshot_hpo.confirm("runs/first", seeds=2, workers=1)
for samples in oneshot_hpo.compare("runs/first"):
    for pairing in samples.pairings:
        first, second = samples.name(pairing.first), samples.name(pairing.second)
        verdict = pairing.comparison
        print(f"{first} against {second}: ratio {verdict.ratio:.2f}, p {verdict.p_value:.2f}")

# %% [markdown]
# ## One search, and a table
#
# `search` runs in this process and returns the architecture that it found. A table knows what every
# architecture of a space reaches when it is trained alone.

# %%
small = {"channels": 2, "stacks": 1, "cells_per_stack": 1}
found = oneshot_hpo.search("gdas", epochs=1, seed=3, settings=small)
print(f"test error {found.test:.3f}, regret {found.regret:.3f}: {found.document}")

# %%
space = oneshot_hpo.get_space(1)
table = oneshot_hpo.load_table("digits")
record = table.record(table.row_of(space, found.architecture(space)))
print("lowest mean test error of the space:", table.best(space).test_error)
print("test error of each training of the cell found:", record.values["test_error"])

# %% [markdown]
# ## Errors
#
# Every exception that is raised on purpose is an `OneShotHpoError` with a message of one line.

# %%
try:
    oneshot_hpo.launch("quickstart", "runs/second", settings={"search": {"chanels": 16}})
except oneshot_hpo.OneShotHpoError as error:
    print(error)
