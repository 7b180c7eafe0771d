"""Data of any kind read by row number: known sets, folders, files, arrays, torch and Hugging Face datasets."""

from mutua.data.catalogue import DATASETS, Dataset, datasets
from mutua.data.examples import Examples, Held, targeted
from mutua.data.image.arrays import from_array
from mutua.data.image.datasets import from_dataset
from mutua.data.image.folder import folder
from mutua.data.image.images import Images, joined
from mutua.data.kinds import KINDS, Access, Kind
from mutua.data.kinds.series import series
from mutua.data.kinds.sound import recordings
from mutua.data.kinds.table import rows
from mutua.data.labels import Labels
from mutua.data.loading import as_examples, as_images, load, read
from mutua.data.reading import Reading
from mutua.data.splits import split_off, stratified
from mutua.data.video.arrays import films

__all__ = [
    "DATASETS",
    "KINDS",
    "Access",
    "Dataset",
    "Examples",
    "Held",
    "Images",
    "Kind",
    "Labels",
    "Reading",
    "as_examples",
    "as_images",
    "datasets",
    "films",
    "folder",
    "from_array",
    "from_dataset",
    "joined",
    "load",
    "read",
    "recordings",
    "rows",
    "series",
    "split_off",
    "stratified",
    "targeted",
]
