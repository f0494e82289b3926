"""What the pages need, loaded with the server and not with its first visitor."""

from access import accounts, people
from clinic import audit_words, charts, diary, episodes, exports, imports, register, today
from pages.shared import shell

LOADED = (accounts, audit_words, charts, diary, episodes, exports, imports, people, register, shell, today)
