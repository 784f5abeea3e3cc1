"""Data sets: one drawn by the project, one downloaded."""
