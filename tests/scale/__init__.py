"""How a run grows with rows and with maps: `make scale` measures it, models it, and writes docs/scale.md.

In the order the data moves: source.py serves rows, measuring.py takes a run's figures (memory.py those of the
servers), model.py fits what they grow by, page.py writes it down.
"""
