"""Which training jobs of a tuning job are to be stopped early, by their objectives and the rule that was asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.engine.tuning import early_stopping, hyperband
from local_sagemaker.engine.tuning.curve import Curve
from local_sagemaker.engine.tuning.definition import Definition, Place, place_of
from local_sagemaker.store import tuning_children
from local_sagemaker.store.database import Database
from local_sagemaker.store.tuning_children import Child


class TuningCurves:
    """The objectives of a tuning job's training jobs, an epoch after the other; read on where the last look ended."""

    def __init__(self, database: Database, config: Mapping[str, Any], definitions: Sequence[Definition]) -> None:
        self._database = database
        self._config = config
        self._definitions = definitions
        self._curves: dict[int, Curve] = {}
        self._ended: set[int] = set()

    def underperforming(self, active: Sequence[Child], ended: Sequence[Child]) -> list[str]:
        """The names of the training jobs to be stopped now."""
        auto = self._config.get("TrainingJobEarlyStoppingType") == "Auto"
        if not auto and self._config["Strategy"] != "Hyperband":
            return []
        running = [child for child in active if child.status == "InProgress"]
        if not running:
            return []
        self._read(active, ended)
        if auto:
            completed = [self._curves[child.number] for child in ended if child.status == "Completed"]
            return early_stopping.underperforming(
                {child.name: self._curves[child.number] for child in running},
                completed,
                maximize=self._definitions[0].maximize,
            )
        return [child.name for child in running if self._falls_out(child)]

    def _read(self, active: Sequence[Child], ended: Sequence[Child]) -> None:
        for child in (*active, *ended):
            if child.number in self._ended:
                continue
            curve = self._curves.setdefault(child.number, Curve())
            metric = self._place(child.number).definition.metric
            curve.extend(tuning_children.values_after(self._database, child.name, metric, curve.last_place))
        self._ended.update(child.number for child in ended)

    def _falls_out(self, child: Child) -> bool:
        place, curve = self._place(child.number), self._curves[child.number]
        lowest, highest = hyperband.resources(self._config)
        if len(curve) >= highest:
            # A script that was told to end here is not robbed of its model.
            asked = hyperband.epochs({**place.definition.static, **child.values})
            return len(curve) > highest or asked is None or asked > highest
        levels = hyperband.rungs(lowest, highest, place.index)
        if not levels or len(curve) < levels[0]:
            return False
        bracket = hyperband.bracket_of(lowest, highest, place.index)
        others = [
            other
            for number, other in self._curves.items()
            if number != child.number and self._is_in(number, place.definition, bracket)
        ]
        return hyperband.falls_out(curve, others, levels, maximize=place.definition.maximize)

    def _is_in(self, number: int, definition: Definition, bracket: int) -> bool:
        place = self._place(number)
        lowest, highest = hyperband.resources(self._config)
        return place.definition is definition and hyperband.bracket_of(lowest, highest, place.index) == bracket

    def _place(self, number: int) -> Place:
        return place_of(number, self._definitions, self._config["Strategy"])
