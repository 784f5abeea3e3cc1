"""SageMaker's wire API on one machine: wire -> operations -> engine -> (runtime | store)."""
