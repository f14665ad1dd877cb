"""Measures this machine: Keepray as it is shipped, beside Debian's Orthanc where that is installed.

What belongs here: studies of known octets, a light client, the two servers, what is asked of them, the checks that
both answered the same, and the table. Nothing here is shipped and nothing shipped imports it.

    wire       one connection that is kept open          studies     what is pushed, made anew at every run
    servers    the two that are measured                 meter       processor seconds, memory, disk
    storing    \\                                          checking    the same octets and attributes, or no ratio
    reading     > what is asked of both                  rounds      A B B A
    listing    /                                         table       medians, paired ratios, targets
    people     what is asked of Keepray alone            ceilings    what the machine could do at best
"""
