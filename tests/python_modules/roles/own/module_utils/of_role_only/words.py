from .letters import LETTER

WORD = LETTER * 3
