"""A job's saved steps in their order, each once, while the job saves them or afterwards."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from diagnostics.source import FileMissing, Source
from diagnostics.tensors.arrivals import Arrivals
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.curve import Curve
from diagnostics.tensors.history import History, Unreadable
from diagnostics.tensors.index import BrokenIndex, StepIndex, index_file, parse_index, tensor_of
from diagnostics.tensors.job_collections import JobCollections
from diagnostics.tensors.saved_step import Mode, SavedStep
from diagnostics.tensors.step_reader import StepReader

END_OF_JOB = "training_job_end.ts"
EVENTS_FOLDER = "events/"
STEPS_AHEAD = 32  # index files that are read together
RETRIED_FILES = 8  # missing event files that are looked for again while the job runs

Chosen = Callable[[str], bool]  # by the tensor's name


class TensorStream:
    """The saved steps of a job, of its chief worker, from `sources`: a debug-output a host. For one thread.

    A step is given out as soon as its index file is there: see arrivals.py. Where files come in another order than
    they were written (S3), a step, its event file or the collections may turn up when later steps were given out
    already. Then the stream begins anew: `generation` counts on, and all steps are given out once more, so that in the
    end what was made of them does not depend on the order.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._arrivals = Arrivals(sources)
        self._pending: deque[int] = deque()
        self._ahead: deque[StepIndex | BrokenIndex] = deque()  # of the first of the pending
        self._history = History()
        self._job_collections = JobCollections()
        self._told_end = self._looked_at_end = False
        self.ended = False
        self.generation = 0

    @property
    def collections(self) -> Collections:
        """The job's, or the hook's own while these are not there."""
        return self._job_collections.current

    @property
    def latest_step(self) -> int | None:
        """The newest step given out, None when none was."""
        return self._history.newest

    @property
    def steps_seen(self) -> int:
        """How many steps were given out."""
        return self._history.steps

    @property
    def steps_saved(self) -> int:
        """How many steps there are as of the last look, given out or not."""
        return self._history.steps + len(self._pending)

    @property
    def unreadable(self) -> Unreadable:
        """Tensors and steps that could not be read; a tensor that nobody asked for is not among them."""
        return self._history.unreadable

    def end(self) -> None:
        """The caller knows that nothing more will be written."""
        self._told_end = True

    def poll(self, chosen: Chosen = lambda _: False) -> Iterator[SavedStep]:
        """The steps not yet given out, ascending. Left early, the rest comes with the next call.

        `chosen` says by a tensor's name whether it will be asked for: these are read with few reads. It may change its
        mind from step to step. Others can be asked for as well.
        """
        self._look()
        if self._waits_for_collections():
            return
        while self._pending:
            if not self._ahead:
                self._read_ahead(chosen)
            step, index = self._pending.popleft(), self._ahead.popleft()
            self._history.count(step)
            if isinstance(index, BrokenIndex):
                self._history.unreadable.add(str(index))
                continue
            saved = self._saved_step(index, self._reader(index, chosen, self._history.missed))
            self._history.note(saved, self._job_collections.is_loss)
            yield saved
            del saved  # its tensors go before those of the next one come

    def losses(self) -> list[Curve]:
        """All losses, by tensor and mode, as far as the steps were given out; long ones thinned out evenly."""
        return self._history.losses.curves()

    def whole_loss(self, tensor: str, mode: Mode) -> Curve | None:
        """A loss's curve where none of its points was dropped, else None."""
        return self._history.losses.complete(tensor, mode)

    def saved(self) -> Mapping[tuple[str, Mode], Sequence[int]]:
        """By tensor, saved whole or reduced, and mode: the steps that saved it, as far as they were given out."""
        return self._history.saved

    def steps(self, wanted: Sequence[int], chosen: Chosen) -> Iterator[SavedStep]:
        """Steps that were given out, once more; those whose index cannot be read are left out."""
        for start in range(0, len(wanted), STEPS_AHEAD):
            for index in self._indices(wanted[start : start + STEPS_AHEAD], chosen):
                if isinstance(index, StepIndex):
                    yield self._saved_step(index, self._reader(index, chosen, lambda *_: None))

    # --- what has come

    def _look(self) -> None:
        """Take note of what has come since the last look."""
        # The end is looked for first: what is listed after it is all there will be.
        self.ended = self._told_end or self._end_is_marked()
        at_end = self._told_end and not self._looked_at_end
        newest, chief = self._history.newest, self._arrivals.chief
        fresh = self._arrivals.look(everywhere=at_end, final=self._told_end)
        late = newest is not None and (chief != self._arrivals.chief or min(fresh, default=newest + 1) <= newest)
        other_collections = self._other_collections()  # looked for at every look, whatever else has come
        if late or other_collections or self._missing_came(at_end=at_end):
            self._begin_anew()
        elif fresh:
            if self._pending and min(fresh) < self._pending[-1]:
                self._ahead.clear()
            self._pending = deque(sorted({*self._pending, *fresh}))
        self._looked_at_end |= at_end

    def _begin_anew(self) -> None:
        if self._history.newest is not None:
            self.generation += 1
        self._history = History()
        self._pending = deque(sorted(self._arrivals.steps()))
        self._ahead.clear()

    def _end_is_marked(self) -> bool:
        chief = self._arrivals.chief
        sources = self._sources if chief is None else [self._sources[chief.source]]
        return bool(sources) and all(END_OF_JOB in source.names(END_OF_JOB) for source in sources)

    def _other_collections(self) -> bool:
        """Look for the collections. Whether steps were given out with others before."""
        chief = self._arrivals.chief
        if chief is None:
            return False
        changed = self._job_collections.look(self._sources[chief.source], chief.worker, self._history.unreadable)
        return changed and self._history.newest is not None

    def _waits_for_collections(self) -> bool:
        """The hook writes them right after the first step: it waits for them, as long as it is the only one."""
        known = self._job_collections.found or self.ended or self._history.newest is not None
        return not known and len(self._pending) == 1

    def _missing_came(self, *, at_end: bool) -> bool:
        """Whether an event file is there now that was missing when it was asked for."""
        chief, missing = self._arrivals.chief, self._history.missing
        if not missing or chief is None:
            return False
        source = self._sources[chief.source]
        if at_end:
            return not set(missing.values()).isdisjoint(source.names(EVENTS_FOLDER))
        if self._told_end:
            return False
        return any(_is_there(source, missing[step]) for step in sorted(missing)[-RETRIED_FILES:])

    # --- reading

    def _read_ahead(self, chosen: Chosen) -> None:
        coming = list(islice(self._pending, 2 * STEPS_AHEAD))
        self._ahead = deque(self._indices(coming[:STEPS_AHEAD], chosen, coming[STEPS_AHEAD:]))

    def _indices(
        self, steps: Sequence[int], chosen: Chosen, coming: Sequence[int] = ()
    ) -> list[StepIndex | BrokenIndex]:
        """The index files of some steps; what of their event files is wanted is on its way then.

        So are, behind them, the index files of the `coming` steps: nobody waits for these then.
        """
        chief = self._arrivals.chief
        if chief is None:
            return []
        source = self._sources[chief.source]
        names = [index_file(step, chief.worker) for step in steps]
        source.prefetch([(name, 0, None) for name in names])
        indices = [_index(source, step, name) for step, name in zip(steps, names, strict=True)]
        found = [index for index in indices if isinstance(index, StepIndex)]
        wanted = [part for index in found for part in self._reader(index, chosen, self._history.missed).parts()]
        source.prefetch([*wanted, *((index_file(step, chief.worker), 0, None) for step in coming)])
        return indices

    def _reader(self, index: StepIndex, chosen: Chosen, missed: Callable[[StepIndex, str], None]) -> StepReader:
        chief = self._arrivals.chief
        source = self._sources[chief.source if chief is not None else 0]

        def wanted(name: str) -> bool:
            tensor = tensor_of(name)
            return self._job_collections.is_loss(tensor) or chosen(tensor)

        return StepReader(source, index, wanted, missed)

    def _saved_step(self, index: StepIndex, reader: StepReader) -> SavedStep:
        return SavedStep(
            step=index.step,
            mode=index.mode,
            mode_step=index.mode_step,
            tensors=index.wholes(),
            reductions=index.reductions(),
            collections=self.collections,
            load=reader.load,
        )


def _index(source: Source, step: int, name: str) -> StepIndex | BrokenIndex:
    try:
        return parse_index(step, source.read(name))
    except FileMissing:
        return BrokenIndex(f"the index of step {step} is not there any more: {name}")
    except BrokenIndex as error:
        return error


def _is_there(source: Source, name: str) -> bool:
    try:
        source.read(name, 0, 1)
    except FileMissing:
        return False
    return True
