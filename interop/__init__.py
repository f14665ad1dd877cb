"""
Keepray as software of other makers meets it: each client as its makers ship it, against a running `phr demo`.

    __main__     `python -m interop [name …]`: one line per client, ends with 1 where one failed
    scene        the demo, the people and apps that a client needs, pages at another origin
    <client>     one module per client: `drive(scene)` answers in a sentence what was done, or raises
    js/          the halves that run in Node or in a page

docs/interop.md says what each needed.
"""
