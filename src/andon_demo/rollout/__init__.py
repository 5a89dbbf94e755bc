"""The story of the rollouts: a model that is better only on paper ends itself, a good one is rehearsed, rolled out and promoted."""
