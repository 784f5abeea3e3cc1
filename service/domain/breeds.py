"""Which class of a deployed model is which breed: the class map that training wrote, never a list in code."""

import threading
from collections import OrderedDict
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from service.aws import endpoint_configs, model_archives, models
from service.aws.clients import Clients
from service.aws.models import Model
from service.domain import deployments
from service.errors import StateConflict
from service.schemas.breed import Breed, BreedList

MAX_CACHED_MODELS = 32
_CLASS_MAP = TypeAdapter(list[Breed])


class ClassMaps:
    """The class maps of the last asked models. Models never change, so what was read once stays true."""

    def __init__(self) -> None:
        self._maps: OrderedDict[tuple[str, datetime | None], list[Breed]] = OrderedDict()
        self._lock = threading.Lock()

    def of_endpoint(self, clients: Clients, endpoint: str) -> BreedList:
        """The classes of the endpoint's (first) model.

        Raises EndpointNotFound, StateConflict when its config or model was deleted under it or the artifact holds no
        class map that can be read, BadRequest when there is no such artifact.
        """
        state = deployments.get(clients, endpoint)
        config = endpoint_configs.describe(clients, state.config_name) if state.config_name else None
        model = models.describe(clients, config.variants[0].model_name) if config and config.variants else None
        if model is None:
            raise StateConflict(
                f"The endpoint {endpoint!r} has no model that can be looked at: its config or model was deleted.",
                f"PUT /endpoints/{endpoint} with the training job to serve.",
            )
        return BreedList(endpoint=endpoint, model=model.name, items=self._of_model(clients, model))

    def _of_model(self, clients: Clients, model: Model) -> list[Breed]:
        key = (model.name, model.created_at)  # a name may be used again after its model was deleted
        with self._lock:
            if key in self._maps:
                self._maps.move_to_end(key)
                return self._maps[key]
        breeds = parse(model, model_archives.read_classes(clients, model_archives.find(clients, model.model_data)))
        with self._lock:
            self._maps[key] = breeds
            while len(self._maps) > MAX_CACHED_MODELS:
                self._maps.popitem(last=False)
        return breeds


def parse(model: Model, content: bytes) -> list[Breed]:
    """classes.json in index order. Raises StateConflict when it is none, or leaves out or repeats an index."""
    try:
        breeds = sorted(_CLASS_MAP.validate_json(content), key=lambda breed: breed.index)
    except ValidationError as error:
        raise _unreadable(model, str(error.errors()[0]["msg"])) from error
    if [breed.index for breed in breeds] != list(range(len(breeds))):
        raise _unreadable(model, "its indices are not 0, 1, 2, ...")
    return breeds


def _unreadable(model: Model, reason: str) -> StateConflict:
    return StateConflict(
        f"classes.json of the model {model.name!r} cannot be read: {reason}.",
        "Deploy a model of this service's training jobs.",
    )
