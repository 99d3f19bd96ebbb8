"""The page in sections: each module makes one, in words of the reader's language, ready to be put on the screen.

A section is a frozen msgspec struct; its JSON is one server-sent event, named as in ``page.view``. Times are words
("11:40", "yesterday 18:02"); nothing needs a computation in the browser. Amounts, and what may name
people, are left out without the manager's code.
"""
