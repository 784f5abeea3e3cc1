"""The evaluator: a program beside a training job that evaluates its Debugger and Profiler rules."""
