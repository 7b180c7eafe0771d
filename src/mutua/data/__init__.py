"""Data as uint8 images read by row number: known sets, folders, files, arrays, torch and Hugging Face datasets."""

from mutua.data.arrays import from_array
from mutua.data.catalogue import DATASETS, Dataset, table
from mutua.data.datasets import from_dataset
from mutua.data.folder import folder
from mutua.data.images import Images, joined, split_off, stratified
from mutua.data.loading import as_images, load

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
