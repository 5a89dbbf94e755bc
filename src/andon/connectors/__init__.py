"""The code that reaches outside systems, one deletable folder each; what it implements is `andon.actions.ports`."""
