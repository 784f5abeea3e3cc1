"""Folder names and the breeds they stand for."""

import re

_DOG_IMAGES_NUMBER = re.compile(r"^\d+\.")  # 024.Bichon_frise
_WORDNET_ID = re.compile(r"^n\d{8}-")  # n02085620-Chihuahua


def breed_name(folder: str) -> str:
    """The breed as people write it: `024.Bichon_frise` and `n02085936-Maltese_dog` lose number and underscores."""
    name = _WORDNET_ID.sub("", _DOG_IMAGES_NUMBER.sub("", folder))
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:] if words else folder


def class_map(folders: list[str] | tuple[str, ...]) -> list[dict[str, int | str]]:
    """classes.json: one entry a class, in the order of the network's outputs."""
    return [{"index": index, "folder": folder, "breed": breed_name(folder)} for index, folder in enumerate(folders)]
