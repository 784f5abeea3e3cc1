"""The notebook's entry point of tuning: the training of train_model.py, with what the tuner chose."""

from train_model import main

if __name__ == "__main__":
    main()
