from ..near import NEAR

PLACE = "deep, " + NEAR
