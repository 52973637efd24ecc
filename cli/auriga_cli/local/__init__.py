"""Local mode: the same resources without a cluster. Observe files and processes, decide, act, report.

`state`, `desired`, `plan`, `status`, `ending`, `memory`, `backoff`, `trail` are pure, and so are `demand`, `turns`,
`sharing` and `standby`, by which Models with `autoscaling` share the memory; `machine`, `probe` and `loads` observe;
`process`, `fleet`, `stock`, `weights` act; `supervisor` is the loop around them; `report` is what the terminal shows.
"""
