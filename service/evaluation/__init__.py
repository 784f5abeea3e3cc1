"""Jobs judged in a process of their own: `judge.py` is the service's side, `__main__.py` and the rest the process's.

The process alone imports numpy, matplotlib and what computes in diagnostics.
"""
