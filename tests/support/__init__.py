"""What tests share: real servers and small tools. Which stage a test plays on, from the smallest to the whole.

Servers: `postgres` and `nats` are real ones for the whole session; `installation` gives a test its own database there.

The chassis alone: `probe` (a server around any handler), `rooms` and `source` (the smallest service that has changes).

One service: `ledger` (audit, with a source), `stage` (session, with a real runner and a fake workspace service),
`runner_rooms` (a runner's terminals, or the runner as a process).

The gateway: `gateway_process`, in front of `fake_services`; `transcoders`, ours and Envoy's, before an `echo_service`.

The command line: `window` (a terminal in which it runs), in front of a `fake_session`; `warm_command` (commands that
cost no start).

All services: `product` starts and kills them one by one, and `people` call them. `embedded_stack` is an installation
under its supervisor, gateway included, as a user has it; `sessions` is what tests do there.

What costs a worker a second to start is started once for a module or a worker (`together`); what costs less than a
test does is checked by one test for all cases (`each`).

Beside that are makers of input (`any_…`, `bad_…`, `requests`, `rest_form`), and what hurts and judges a whole
installation (`havoc`, `places`, `writers`, `workload`; `history`, `checkers`, `judge`).
"""
