"""What runs in this process for sessions that live: each module is one part.

Output, on its way from a runner to PostgreSQL and to devices
    `feeds` keeps one `feed` for each session that this process copies or shows. A `follower` reads the runner's spool
    through a `source` and puts records into the feed's `ring`; the `copier` brings them to PostgreSQL; a `reader` gives
    the log from an offset on, out of the ring or of PostgreSQL. `release` has the runner drop what is stored.

Devices
    `attachment` is the loop that serves one `device`: what it types goes through a `keyboard`, its size through a
    `window`. `devices` watches those of this process, `presence` tells each who else is there, `desk` is what they use.

Beginning and end
    `opening` starts a terminal, `reconciliation` makes the runner do what a session's row says, `runners` finds it.
    `writing` types for those who are not attached.

The process
    `liveness` is the sign that it lives; `background` is work that outlives the call which began it.
"""
