"""What only the notebooks use: exercises, diagrams, sliders, proofs of equality, the package's own source."""
