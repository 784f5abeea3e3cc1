import pytest

from tests.unit.training.scripts import Scripts


@pytest.mark.parametrize(
    ("folder", "breed"),
    [
        ("024.Bichon_frise", "Bichon frise"),
        ("001.Affenpinscher", "Affenpinscher"),
        ("n02085620-Chihuahua", "Chihuahua"),
        ("n02085936-Maltese_dog", "Maltese dog"),
        ("n02086240-Shih-Tzu", "Shih-Tzu"),
        ("Chihuahua", "Chihuahua"),
        ("german__shepherd_", "German shepherd"),
        ("ants", "Ants"),
        ("7.", "7."),
        ("3D", "3D"),
    ],
)
def test_a_folder_reads_as_people_write_the_breed(scripts: Scripts, folder: str, breed: str) -> None:
    assert scripts.classes.breed_name(folder) == breed


def test_the_class_map_keeps_the_order_of_the_outputs(scripts: Scripts) -> None:
    assert scripts.classes.class_map(("002.Afghan_hound", "001.Affenpinscher")) == [
        {"index": 0, "folder": "002.Afghan_hound", "breed": "Afghan hound"},
        {"index": 1, "folder": "001.Affenpinscher", "breed": "Affenpinscher"},
    ]
