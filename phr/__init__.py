"""The app people see, and the place where all is put together.

What belongs here: settings, assembly, pages and forms, paper, mail, jobs, the command line, migrations, the demo and
the site's sender. What does not: decisions about access, keys, or wire formats; those are the rooms below.
"""
