"""All styles of servers: those that are asked rightly, and those that would give wrong rows."""

from tests.conformance import bodies, chains, logins, shapes, styles, totals, values

FAMILIES = (styles, totals, chains, values, shapes, bodies)
HONEST = [style for family in [*FAMILIES, logins] for style in family.HONEST]
LYING = [style for family in FAMILIES for style in family.LYING]
