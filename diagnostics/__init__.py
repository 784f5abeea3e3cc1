"""Pure judgement of training jobs: instance catalogue, rules, profile, report."""
