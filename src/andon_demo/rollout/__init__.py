"""The story of the rollouts: a model that is better only on paper is rolled back, a good one is promoted."""
