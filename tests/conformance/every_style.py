"""All styles of servers: those that are asked rightly, and those that would give wrong rows."""

from tests.conformance import bodies, chains, logins, open_windows, shapes, styles, totals, values, windows

FAMILIES = (styles, totals, chains, values, shapes, bodies)
WITHOUT_LOGIN = [style for family in FAMILIES for style in family.HONEST]
HONEST = [*WITHOUT_LOGIN, *logins.HONEST, *windows.HONEST, *open_windows.HONEST]
LYING_WITHOUT_WINDOWS = [style for family in FAMILIES for style in family.LYING]
LYING = [*LYING_WITHOUT_WINDOWS, *windows.LYING, *open_windows.LYING]
