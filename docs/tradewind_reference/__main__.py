"""`make reference`: write `.env.example` and the tables of variables."""

from tradewind_reference.pages import pages

for page, text in pages().items():
    page.write_text(text)
