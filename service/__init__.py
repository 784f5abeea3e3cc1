"""The REST front: routes -> domain -> aws. Talks the AWS API and nothing else."""
