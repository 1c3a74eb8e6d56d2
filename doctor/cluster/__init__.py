"""How an installation of the chart is, as the cluster itself tells."""
