"""Questions to the process that judges jobs, and their answers."""

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from diagnostics.report.report import JobReport
from service.aws.clients import Clients
from service.errors import PlotNotFound, ProfileNotTaken, TensorNotFound, TensorsNotSaved
from service.evaluation import answers
from service.evaluation.judged_tensors import JudgedTensors
from service.evaluation.messages import Answer
from service.evaluation.session import Session, changed
from service.evaluation.subject import Subject

Question = Mapping[str, Any]

SECONDS = 10.0  # of evaluation a question
MAX_SESSIONS = 16
MAX_BYTES = 1 << 30  # resident; beyond it the oldest sessions go
NOTHING_THERE = (PlotNotFound, ProfileNotTaken, TensorNotFound, TensorsNotSaved)


class Desk:
    """Answers one question after the other; keeps what it read of the jobs that were asked about last."""

    def __init__(self, clients: Clients, *, seconds: float = SECONDS, max_sessions: int = MAX_SESSIONS) -> None:
        self._clients = clients
        self._seconds = seconds
        self._max_sessions = max_sessions
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._about: Mapping[str, Callable[[Session, Question], Answer]] = {
            "debugger": self._debugger,
            "tensors": self._tensors,
            "tensor": self._tensor,
            "profiler": self._profiler,
            "page": self._drawn,
            "plot": self._drawn,
        }

    def answer(self, question: Question) -> Answer:
        """The answer. Raises a Problem."""
        if "tuning" in question:
            from service.evaluation import pages  # noqa: PLC0415 - see _drawn

            return pages.of_tuning(question)
        session = self._session(Subject.of_json(question["job"]))
        try:
            return self._about[question["about"]](session, question)
        except NOTHING_THERE:
            raise
        except Exception:
            self._drop(session.subject.name)  # what came to a stop in the middle is begun anew with the next question
            raise

    def tidy(self) -> None:
        """Let go of what is too much, between two questions."""
        while len(self._sessions) > self._max_sessions or (len(self._sessions) > 1 and _resident_bytes() > MAX_BYTES):
            self._drop(next(iter(self._sessions)))

    def _session(self, subject: Subject) -> Session:
        session = self._sessions.pop(subject.name, None)
        if session is not None and changed(session.subject, subject):
            session.close()
            session = None
        if session is None:
            session = Session(self._clients, subject)
        session.subject = subject
        self._sessions[subject.name] = session  # the newest last
        return session

    def _drop(self, name: str) -> None:
        self._sessions.pop(name).close()

    def _debugger(self, session: Session, question: Question) -> Answer:
        tensors, done = self._evaluated(session)
        curves = [answers.loss_curve(curve, question["max_points"]) for curve in tensors.stream.losses()]
        return Answer(
            {
                "evaluation": tensors.progress(done=done, over=session.subject.over),
                "rules": [rule.as_json() for rule in tensors.rules()],
                "curves": curves if question["curves"] else None,
                "notes": tensors.notes(),
            }
        )

    def _tensors(self, session: Session, question: Question) -> Answer:
        tensors, _ = self._evaluated(session)
        page = answers.tensor_page(tensors.stream, question["collection"], question["cursor"], question["limit"])
        return Answer(page)

    def _tensor(self, session: Session, question: Question) -> Answer:
        tensors, evaluated = self._evaluated(session)
        name, figure = question["tensor"], question["figure"]
        points, read = tensors.series(name, figure, question["max_points"], self._seconds)
        if not points and evaluated:
            job = session.subject.name
            near = ", ".join(answers.near(name, tensors.stream)) or "nothing yet"
            raise TensorNotFound(
                f"The training job {job} saved no tensor {name!r}. Near it: {near}.",
                f"GET /jobs/training/{job}/debugger/tensors lists the tensors.",
            )
        return Answer(
            {
                "tensor": name,
                "figure": figure,
                "series": answers.mode_series(points),
                "evaluation": tensors.progress(done=evaluated and read, over=session.subject.over),
            }
        )

    def _profiler(self, session: Session, question: Question) -> Answer:
        profile, done = session.profile(self._seconds)
        subject = session.subject
        if subject.over and done and not profile.nodes and not profile.steps:
            raise ProfileNotTaken(
                f"The training job {subject.name} left no system metrics under {subject.profile}.",
                "Measure more often (profiler.interval_ms) where the job was short; GET "
                f"/jobs/training/{subject.name}/logs says whether it ran at all.",
            )
        max_points = question["max_points"] if question["series"] else None
        report = answers.profile_report(
            profile, session.verdicts(profile), complete=subject.over and done, max_points=max_points
        )
        if not done:
            report["notes"].append("More was measured than could be read in this time: ask again for the rest.")
        return Answer(report)

    def _drawn(self, session: Session, question: Question) -> Answer:
        from service.evaluation import pages  # noqa: PLC0415 - matplotlib: a second and 100 MB, and rules need none

        return pages.of_job(question, lambda: self._report(session))

    def _report(self, session: Session) -> JobReport:
        """The whole job, as far as it can be judged in the time; what there is not is said in notes."""
        subject, tensors = session.subject, session.tensors
        notes = []
        if subject.profile is None:
            notes.append("Nobody measures the job's instances: it was made without a profiler.")
        if tensors is None:
            notes.append("The job saves no tensors: it was made without a debugger.")
        else:
            if not tensors.advance(self._seconds, over=subject.over):
                notes.append("More tensors were saved than could be read in this time: load the page again.")
            notes += tensors.notes()
        profile, read = session.profile(self._seconds)
        if not read:
            notes.append("More was measured than could be read in this time: load the page again.")
        measured = bool(profile.nodes or profile.steps)
        return JobReport(
            job=session.facts(),
            curves=[] if tensors is None else tensors.stream.losses(),
            debugger=[] if tensors is None else tensors.rules(),
            profiler=session.verdicts(profile) if measured else [],
            profile=profile if measured else None,
            notes=notes,
        )

    def _evaluated(self, session: Session) -> tuple[JudgedTensors, bool]:
        """The tensors, and whether all that is saved is evaluated. Raises TensorsNotSaved when nothing ever was."""
        subject, tensors = session.subject, session.tensors
        if tensors is None:
            raise TensorsNotSaved(
                f"The training job {subject.name} saves no tensors: it was made without a debugger.",
                'Create the job with "debugger": {}.',
            )
        done = tensors.advance(self._seconds, over=subject.over)
        if subject.over and done and not tensors.stream.steps_saved:
            raise TensorsNotSaved(
                f"The training job {subject.name} left no tensors under {subject.tensors}.",
                "Save more often (debugger.train_save_interval, a collection's save_interval) where the job was short; "
                f"GET /jobs/training/{subject.name}/logs says whether it trained at all.",
            )
        return tensors, done


def _resident_bytes() -> int:
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return resident * os.sysconf("SC_PAGESIZE")
