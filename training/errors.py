"""What can go wrong with a job that its user can put right; each message says what it is and what to do."""


class TrainingJobError(Exception):
    """Base of all of them. Uncaught, its last line is the FailureReason of the training job."""


class ChannelError(TrainingJobError):
    """A channel is missing, is not laid out as CHANNEL/CLASS/IMAGE, or holds nothing that can be used."""


class WeightsError(TrainingJobError):
    """Pretrained weights cannot be fetched, read, or do not fit the architecture."""


class CheckpointError(TrainingJobError):
    """The checkpoint found cannot be read, or belongs to a job with other hyperparameters."""


class DivergedError(TrainingJobError):
    """The loss was not a finite number before any epoch had ended well."""


class ArtifactError(TrainingJobError):
    """The exported network does not compute what the trained one computes."""


class PrecisionError(TrainingJobError):
    """What the network is to compute in, or with, cannot be had on this machine."""


class QuantizationError(TrainingJobError):
    """The precision that is asked for cannot be had in this container."""


class DebuggerError(TrainingJobError):
    """Debugger is configured for the job, and smdebug cannot be used."""


class DistributedError(TrainingJobError):
    """The job's processes do not form one group, are too many for its batches, or one of them was lost."""


class DiagnosticsError(TrainingJobError):
    """The job is to record its own diagnostics, and is not told how, or has no place for them."""
