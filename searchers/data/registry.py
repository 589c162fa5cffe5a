"""The data sets by name; a study file may also name a folder or an .npz file."""

from oneshot_hpo.plugins import Entry

ENTRIES = (
    Entry(
        kind="dataset",
        name="digits",
        target="oneshot_hpo.searchers.data.datasets:load_digits",
        summary="scikit-learn's 1,797 images of 8 x 8 pixels in 10 classes (UCI optical digits)",
    ),
    Entry(
        kind="dataset",
        name="cifar10",
        target="oneshot_hpo.searchers.data.datasets:load_imported_cifar10",
        summary="CIFAR-10, imported into the data folder",
    ),
    Entry(
        kind="dataset",
        name="cifar100",
        target="oneshot_hpo.searchers.data.datasets:load_cifar100",
        summary="CIFAR-100, imported into the data folder",
    ),
    Entry(
        kind="dataset",
        name="imagenet16",
        target="oneshot_hpo.searchers.data.datasets:load_imagenet16",
        summary="ImageNet16-120, imported into the data folder",
    ),
)
