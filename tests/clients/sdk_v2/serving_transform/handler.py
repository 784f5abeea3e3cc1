"""transform_fn alone, in a file of another name."""


def model_fn(model_dir):
    return "seen"


def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    return f"{model} {text} as {content_type}", "text/plain"
