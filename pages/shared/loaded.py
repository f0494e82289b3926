"""What the pages need, loaded with the server and not with its first visitor."""

from access import accounts, people
from clinic import charts, diary, episodes, imports, register, today
from pages.shared import shell

LOADED = (accounts, charts, diary, episodes, imports, people, register, shell, today)
