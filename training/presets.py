"""The recipes of --recipe: named sets of defaults. A flag that is given wins over its recipe's value."""

RECIPES: dict[str, dict[str, bool | float | int | str]] = {
    "none": {},
    # The head alone, on features that the frozen backbone computes once: minutes, also on a CPU.
    "fast": {
        "freeze_backbone": True,
        "augment": "none",
        "optimizer": "adamw",
        "lr": 0.003,
        "weight_decay": 0.01,
        "batch_size": 32,
        "epochs": 30,
        "scheduler": "cosine",
        "warmup_epochs": 1.0,
        "patience": 8,
    },
    # All layers, from the head's rate down to a small one at the image. It goes on from the published recipe that
    # reached 91.39 % on dogImages: ResNet50, AdamW, batches of 32, weights by class, augmentation, early stop. Rates
    # and schedule of that one are --lr 8e-5 --weight-decay 1e-5 --layer-decay 1 --scheduler step --warmup-epochs 0.
    "best": {
        "arch": "resnet50",
        "freeze_backbone": False,
        "layer_decay": 0.75,
        "optimizer": "adamw",
        "lr": 0.0005,
        "weight_decay": 0.01,
        "clip_grad_norm": 1.0,
        "batch_size": 32,
        "epochs": 16,
        "scheduler": "cosine",
        "warmup_epochs": 1.0,
        "class_weights": "balanced",
        "label_smoothing": 0.1,
        "augment": "trivial",
        "ema_decay": 0.99,
        "patience": 5,
    },
}
