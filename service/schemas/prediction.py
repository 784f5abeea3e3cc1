"""What /predict answers, and what the model behind it answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.page import Body


class PredictionQuery(Body):
    """How to answer."""

    top_k: Annotated[
        int, Field(ge=1, le=100, description="How many breeds to answer; all that the model knows if it is fewer.")
    ] = 5
    fit: Annotated[
        bool,
        Field(
            description="Shrink an image that has more bytes than the endpoint takes, instead of refusing it. One that "
            "fits is sent as it is."
        ),
    ] = False


class BreedProbability(BaseModel):
    """One breed and how sure the model is of it."""

    breed: Annotated[str, Field(description="The breed as people write it.", examples=["Bichon frise"])]
    class_index: Annotated[int, Field(description="The model's output, counted from 0.", ge=0, examples=[23])]
    class_name: Annotated[
        str,
        Field(description="The folder of the training set that the class stands for.", examples=["024.Bichon_frise"]),
    ]
    probability: Annotated[float, Field(description="Softmax output.", ge=0, le=1, examples=[0.9312])]


class ModelIdentity(BaseModel):
    """Which model answered, as the artifact's model.json says."""

    model_config = ConfigDict(extra="allow")

    architecture: Annotated[str, Field(examples=["resnet18"])]
    version: Annotated[str, Field(description="The training job that made it.", examples=["dogs-1"])]


class ModelAnswer(BaseModel):
    """The JSON answer of inference/."""

    predictions: list[BreedProbability]
    model: ModelIdentity


class FittedSize(BaseModel):
    """How an image was shrunk to what the endpoint takes."""

    original_bytes: Annotated[int, Field(description="The size of the upload.", examples=[14_063_559])]
    sent_bytes: Annotated[int, Field(description="The size of the JPEG that the model got.", examples=[4_654_850])]
    width: Annotated[int, Field(description="In pixels, upright.", examples=[2195])]
    height: Annotated[int, Field(description="In pixels, upright.", examples=[2927])]


ANSWER: dict[str, Any] = {
    "predictions": [
        {"breed": "Bichon frise", "class_index": 23, "class_name": "024.Bichon_frise", "probability": 0.9312},
        {"breed": "Maltese", "class_index": 97, "class_name": "098.Maltese", "probability": 0.0411},
    ],
    "endpoint": "dog-breeds",
    "variant": "AllTraffic",
    "model": {"architecture": "resnet18", "version": "dogs-1"},
}
FITTED_ANSWER = {
    **ANSWER,
    "fitted": {"original_bytes": 14_063_559, "sent_bytes": 4_654_850, "width": 2195, "height": 2927},
}


class Prediction(BaseModel):
    """The most probable breeds of one image, the surest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})

    predictions: Annotated[list[BreedProbability], Field(description="At most `top_k`, the surest first.")]
    endpoint: Annotated[str, Field(description="The endpoint that was asked.", examples=["dog-breeds"])]
    variant: Annotated[
        str | None, Field(description="The production variant that answered.", examples=["AllTraffic"])
    ] = None
    model: ModelIdentity
    fitted: Annotated[
        FittedSize | None,
        Field(description="Only where ?fit=true shrank the image.", exclude_if=lambda size: size is None),
    ] = None


class FilePrediction(Prediction):
    """The answer for one of several uploaded files."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"filename": "rex.jpg", **ANSWER}]})

    filename: Annotated[str | None, Field(description="As the form named it.", examples=["rex.jpg"])] = None


class PredictionList(BaseModel):
    """Answers in the order of the uploaded files."""

    items: list[FilePrediction]
