"""All styles of servers: those that are asked rightly, and those that would give wrong rows."""

from tests.conformance import chains, styles, totals, values

FAMILIES = (styles, totals, chains, values)
HONEST = [style for family in FAMILIES for style in family.HONEST]
LYING = [style for family in FAMILIES for style in family.LYING]
