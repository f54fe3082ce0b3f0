"""Brokers measured side by side, by the same generator (bench_load), in interleaved rounds.

What there is, from the inside out:

    cores        which core the broker gets, which the generator
    peers        who takes part, and with which command line
    broker       one of them, running
    cases        what is measured, as a table
    generator    one measurement
    syscalls     system calls per counted thing
    measuring    all measurements, in turns
    summary      medians and ratios of what was measured
    table        the tables on standard output
    report       report.json and report.html
    progress     what runs now, and for how long still
"""
