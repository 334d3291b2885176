"""How a run grows: `make scale` measures it, models it, and writes docs/scale.md."""
