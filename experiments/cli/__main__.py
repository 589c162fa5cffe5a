"""`python -m oneshot_hpo.experiments.cli`, as job scripts start it."""

from oneshot_hpo.experiments.cli import main

if __name__ == "__main__":
    main()
