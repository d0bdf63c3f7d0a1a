"""Writes small JPEG files of every kind that is decoded in part, from the source of the resize goldens.

Run: python scripts/make_jpeg_fixtures.py (needs Pillow 11 or later)
"""

from pathlib import Path

from PIL import Image

FIXTURES = Path(__file__).parent.parent / "crates/mvl-data/tests/fixtures"

KINDS = {
    "444": {"subsampling": 0},
    "422": {"subsampling": 1},
    "420": {"subsampling": 2},
    "restarts": {"subsampling": 2, "restart_marker_rows": 1},
    "progressive": {"subsampling": 2, "progressive": True},
    "gray": {},
}


def main():
    source = Image.open(FIXTURES / "resize/source.png").convert("RGB").resize((211, 157), Image.Resampling.BICUBIC)
    folder = FIXTURES / "jpeg"
    folder.mkdir(exist_ok=True)
    for name, options in KINDS.items():
        picture = source.convert("L") if name == "gray" else source
        picture.save(folder / f"{name}.jpg", quality=85, **options)


if __name__ == "__main__":
    main()
