"""Data as uint8 images read by row number: known sets, folders, files, arrays, torch and Hugging Face datasets."""

from mutua.data.catalogue import DATASETS, Dataset, table
from mutua.data.image.arrays import from_array
from mutua.data.image.datasets import from_dataset
from mutua.data.image.folder import folder
from mutua.data.image.images import Images, joined
from mutua.data.loading import as_images, load
from mutua.data.splits import split_off, stratified

__all__ = [
    "DATASETS",
    "Dataset",
    "Images",
    "as_images",
    "folder",
    "from_array",
    "from_dataset",
    "joined",
    "load",
    "split_off",
    "stratified",
    "table",
]
