"""A template (runtime/warm_pool) that jobs of one kind share: started where it is of use, replaced, given up."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from local_sagemaker.runtime.warm_pool.imports import Imports, LearnedImports
from local_sagemaker.runtime.warm_pool.kind import Kind
from local_sagemaker.runtime.warm_pool.template_process import TemplateProcess

logger = logging.getLogger(__name__)

IMPORT_SECONDS = 120.0  # that jobs wait for a template
KILLS = 3  # after which it is not tried again
WORTH = 20  # modules that a template must lack to be started anew


class SharedImports:
    """The template of one kind, and who has a use for it: names of tuning jobs and of training jobs."""

    def __init__(self, kind: Kind, learned: LearnedImports, new_folder: Callable[[], Path | None]) -> None:
        self.kind = kind
        self.tuning_jobs: set[str] = set()
        self.training_jobs: set[str] = set()
        self._learned = learned
        self._new_folder = new_folder  # for one more template; None when there are enough
        self._template: TemplateProcess | None = None
        self._refused: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()  # modules and sets that were of no use
        self._killed = 0

    @property
    def wanted(self) -> bool:
        """Whether anybody has a use for it."""
        return bool(self.tuning_jobs or self.training_jobs)

    @property
    def running(self) -> bool:
        """Whether a template runs."""
        return self._template is not None

    def template(self) -> TemplateProcess | None:
        """One that is ready, or will be; None when scripts are to be started without."""
        if self._template is not None:
            self._template.look()
            self._judge(self._template)
        known = self._known()
        if self._template is not None and is_outdated(self._template.imports, known):
            self.end()
        if self._template is None and not self._is_refused(known) and (folder := self._new_folder()) is not None:
            self._template = TemplateProcess(folder, self.kind, known)
        return self._template

    def learn(self, folder: Path) -> None:
        """A job has ended in `folder`. What it has imported is imported for the next one."""
        self._learned.learn(self.kind.code, folder)
        if self.wanted:
            self.template()

    def end(self) -> None:
        """End the template; jobs that were forked from it go on."""
        if self._template is not None:
            self._template.end()
            self._template = None

    def _is_refused(self, known: Imports) -> bool:
        return (known.modules, known.sets) in self._refused

    def _judge(self, template: TemplateProcess) -> None:
        """Give up a template that is of no use: for good, but when it was killed; then the next one may live."""
        if template.left_out:
            self._learned.leave_out(self.kind.code, template.left_out)
        late = not template.ready and time.monotonic() - template.started_at > IMPORT_SECONDS
        if template.alive and not template.why and not late:
            return
        why = template.why or "its process was killed"
        self._killed += template.ready
        if not template.ready:
            why = template.why or ("its imports take too long" if late else "its process ended while it imported")
        if not template.ready or self._killed >= KILLS:
            self._refused.add((template.imports.modules, template.imports.sets))
        logger.warning("warm pool: process %d is given up, scripts start without: %s", template.pid, why)
        self.end()

    def _known(self) -> Imports:
        """What there is to import: what was learned, else what the code says; nothing where that was of no use."""
        learned = self._learned.of(self.kind.code)
        if learned.modules or learned.sets:
            return learned
        foreseen = replace(self.kind.foreseen, left_out=learned.left_out)
        return Imports() if self._is_refused(foreseen) else foreseen


def is_outdated(imported: Imports, known: Imports) -> bool:
    """Whether so much more is known to be needed that importing it once pays."""
    had = set(imported.modules)
    left_out = {**imported.left_out, **known.left_out}
    lacking = [name for name in known.modules if name not in had and name.partition(".")[0] not in left_out]
    return len(lacking) >= WORTH or not set(known.sets) <= set(imported.sets)
