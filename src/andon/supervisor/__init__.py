"""A whole installation from one command: the embedded PostgreSQL, a gateway, a worker and the console.

    supervisor     start everything, keep it running, stop it on a signal
    restarting     replace the process of a part by another, which a command requests at the door (`control`)
    stopping       end the `up` of a folder, or a PostgreSQL that a killed one left behind
    single         the one `up` of a folder
    examination    look for what is wrong with an installation (`andon doctor`)

Import the module you need: `andon up` runs as long as the installation and must stay small. One thread, no locks of its
own: it sleeps until a signal, the end of a child or a tenth of a second.
"""
