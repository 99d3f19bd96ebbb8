"""What the store sees over HTTP: the manager's page, live, and health, status and metrics for machines.

The way of a request: ``connections`` (who is let in) → ``guard`` (Host, Origin, rates) → a handler: ``reading`` (no
code needed), ``manager`` (the door: code, sessions, audit) or ``actions`` (behind the code). What is seen: ``sections``
make words of ``sources``, ``view`` has all of them, ``feed`` sends those that changed, ``html`` renders the frame they
fill. What they say: ``texts`` and ``words``, with ``times``, ``money``, ``advice`` (conditions), ``history`` (events).
"""
