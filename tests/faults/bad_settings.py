"""Settings of a training that cannot be, in a file and in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults.world import kinds

CONFIG = "train {data} --out out --device cpu --config bad.yaml"
SET = "train {data} --out out --device cpu --set "


def holding(content: str | bytes) -> Callable[[Path], object]:
    """Return what writes bad.yaml."""
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / "bad.yaml").write_bytes(data)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
"""Nine lists of nine, nine times over: 3 billion words when written out."""

BOMB_AS_VALUE = "epochs: [&a [x, x, x, x, x, x, x, x, x]" + "".join(
    f", &{new} [{', '.join([f'*{old}'] * 9)}]"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
) + "]\n"  # fmt: skip

RUN_CODE = "epochs: !!python/object/apply:os.system ['touch was_run']\n"

BAD_SETTINGS = kinds(
    "settings",
    ("unknown setting", CONFIG, "learning_rat", holding("learning_rat: 1e-3\n")),
    ("text for a number", CONFIG, "epochs", holding("epochs: many\n")),
    ("list for a number", CONFIG, "epochs", holding("epochs: [3]\n")),
    ("true for a number", CONFIG, "epochs", holding("epochs: true\n")),
    ("fraction of epochs", CONFIG, "epochs", holding("epochs: 2.5\n")),
    ("negative learning rate", CONFIG, "learning_rate", holding("learning_rate: -1e-3\n")),
    ("learning rate NaN", CONFIG, "learning_rate", holding("learning_rate: .nan\n")),
    ("learning rate infinite", CONFIG, "learning_rate", holding("learning_rate: .inf\n")),
    ("weight decay NaN", CONFIG, "weight_decay", holding("weight_decay: .nan\n")),
    ("checkpoint_minutes NaN", CONFIG, "checkpoint_minutes", holding("checkpoint_minutes: .nan\n")),
    ("checkpoint_minutes negative", SET + "checkpoint_minutes=-1", "checkpoint_minutes"),
    ("seed negative", SET + "seed=-1", "seed"),
    ("seed of thirty digits", SET + "seed=" + "9" * 30, "seed"),
    ("number of ten thousand digits", CONFIG, ("bad.yaml",), holding("epochs: " + "9" * 10_000)),
    ("epochs zero", SET + "epochs=0", "epochs"),
    ("batch size zero", SET + "batch_size=0", "batch_size"),
    ("image size zero", SET + "image_size=0", "image_size"),
    ("image size of millions", SET + "image_size=5000000", "image_size"),
    ("width zero", SET + "width=0", "width"),
    ("width of billions", SET + "width=4000000000", "width"),
    ("layers of millions", SET + "decoder_layers=5000000", "decoder_layers"),
    ("width that heads do not divide", SET + "width=33", ("width", "heads")),
    ("heads zero", SET + "heads=0", "heads"),
    ("dropout 1.5", SET + "dropout=1.5", "dropout"),
    ("dropout NaN", SET + "dropout=nan", "dropout"),
    ("drop factor negative", SET + "drop_factor=-2", "drop_factor"),
    ("backbone learning rate negative", SET + "backbone_learning_rate=-1",
     "backbone_learning_rate"),
    ("longest side below image size", SET + "longest_side=10", "longest side"),
    ("precision unknown", SET + "precision=fp8", ("precision", "fp8")),
    ("schedule unknown", SET + "schedule=sometimes", "schedule"),
    ("optimizer unknown", SET + "optimizer=magic", "optimizer"),
    ("schedule step without drop_epoch", SET + "schedule=step", "drop_epoch"),
    ("workers negative", SET + "workers=-1", "workers"),
    ("workers by thousands", SET + "workers=100000", "workers"),
    ("validation_share 1", SET + "validation_share=1", "validation_share"),
    ("backbone unknown", SET + "backbone=resnet81", "resnet81"),
    ("backbone weights missing", SET + "backbone_weights=gone.safetensors", "gone.safetensors"),
    ("stride unknown", SET + "backbone_stride=7", "stride 7"),
    ("no sign of equality", SET + "epochs", "'epochs'"),
    ("no name", SET + "=3", "'=3'"),
    ("value that YAML cannot read", SET + "epochs=[1", "epochs"),
    ("value that is a date that cannot be", SET + "epochs=2001-99-99", "epochs"),
    ("YAML that would run code", CONFIG, "bad.yaml", holding(RUN_CODE)),
    ("YAML bomb", CONFIG, "unknown training setting", holding(BOMB)),
    ("YAML bomb as a value", CONFIG, "epochs", holding(BOMB_AS_VALUE)),
    ("YAML that holds itself", CONFIG, "epochs", holding("epochs: &a [*a]\n")),
    ("YAML with lists ten thousand deep", CONFIG, "bad.yaml", holding("a: " + "[" * 10_000)),
    ("YAML that is a list", CONFIG, "bad.yaml", holding("- epochs\n- 3\n")),
    ("YAML that is one word", CONFIG, "bad.yaml", holding("epochs\n")),
    ("YAML with a tabulator", CONFIG, "bad.yaml", holding("epochs:\n\t- 3\n")),
    ("YAML with a list as a name", CONFIG, "bad.yaml", holding("? [a, b]\n: 3\n")),
    ("YAML in Latin-1", CONFIG, "bad.yaml", holding("backbone: é\n".encode("latin-1"))),
    ("YAML of zero bytes", CONFIG, "bad.yaml", holding(b"\0\0\0")),
    ("date that cannot be", CONFIG, "bad.yaml", holding("epochs: 2001-99-99\n")),
    ("settings in a folder", CONFIG, "bad.yaml", lambda folder: (folder / "bad.yaml").mkdir()),
    ("settings that do not exist", CONFIG, "bad.yaml"),
)  # fmt: skip
